import type { JobKeys } from './keys';
import type { JobProgress, ProgressReporter } from './progress';

/** What a job needs from the world and must not take by itself, so that tests can pass their own. */
export interface JobContext {
	/** The present moment. */
	now(): Date;
	/** `bytes` random bytes, from a cryptographic source outside tests. */
	randomBytes(bytes: number): Buffer;
	/** Fires when the job must end: cancelled, timed out, or its lock was lost (then `reason` is a `BackupError`). */
	readonly signal: AbortSignal;
	readonly progress: ProgressReporter;
	/** What was told last; written into the locks that the job holds, so that others see how far it is. Left out where nobody looks. */
	readonly latestProgress?: () => JobProgress | null;
	/** What the job may encrypt and decrypt backups with. */
	readonly keys: JobKeys;
	/** A folder of the job's own (mode 0700) for temporary files; removed when the job ends, however it ends. */
	readonly workFolder: string;
}
