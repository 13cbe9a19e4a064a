import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobContext } from '../../lib/core/context';
import { NO_KEYS } from '../../lib/core/keys';
import type { ProgressEvent } from '../../lib/core/progress';

export interface TestContext extends JobContext {
	/** All progress reported so far. */
	readonly events: ProgressEvent[];
	/** Fires `signal`. */
	abort(reason?: unknown): void;
	/** Removes the work folder; it must be given back by whoever asked for the context. */
	remove(): Promise<void>;
}

/** A job's context with a temporary work folder of its own, real time and real randomness unless overridden. */
export async function testContext(overrides: Partial<JobContext> = {}): Promise<TestContext> {
	const workFolder = await mkdtemp(join(tmpdir(), 'backup-recovery-test-'));
	const controller = new AbortController();
	const events: ProgressEvent[] = [];
	return {
		now: () => new Date(),
		randomBytes: (bytes) => randomBytes(bytes),
		signal: controller.signal,
		progress: (event) => events.push(event),
		keys: NO_KEYS,
		workFolder,
		...overrides,
		events,
		abort: (reason) => controller.abort(reason),
		remove: () => rm(workFolder, { recursive: true, force: true }),
	};
}
