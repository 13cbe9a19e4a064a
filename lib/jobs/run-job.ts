import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { BackupError, cancelled } from '../core/errors';
import type { ProgressReporter } from '../core/progress';
import { checkJob } from './check-job';
import { forkWorker, killGroup } from './child-process';
import type { ChildMessage, ParentMessage } from './protocol';
import type { ItemOf, ResultOf } from './results';
import { requireSupportedNode } from './runtime';
import type { Job, JobInput, JobKind } from './schema/job';
import { makeWorkFolder, removeOrphanedWorkFolders, removeWorkFolder, showLife, SIGN_OF_LIFE_MS, workParent } from './work-folder';

/** How long a cancelled job may take to end its tools and remove what it wrote before it is killed. */
const CANCEL_GRACE_MS = 20_000;
/** How much of what a crashed worker last wrote to stderr is quoted. */
const STDERR_TAIL = 2_000;

export interface RunJobOptions<K extends JobKind = JobKind> {
	/** Fires to cancel: the job's tools end, its partial output is removed, then the promise rejects with `CANCELLED`. */
	readonly signal?: AbortSignal;
	readonly onProgress?: ProgressReporter;
	/** Told each item of a job that goes on for long, in order. */
	readonly onItem?: (item: ItemOf<K>) => void;
	/** The job is cancelled after this time and rejects with `TIMED_OUT`. */
	readonly timeoutMs?: number;
	/** The compiled worker; tests that run from source name another. */
	readonly workerModule?: string;
	/** Told the worker's process id, for tests that kill it. */
	readonly onStarted?: (pid: number) => void;
}

/**
 * Runs a job in its own process and yields its result. The job is checked first; whatever way it ends
 * (result, error, crash, cancel), no process of it and no temporary file stays behind.
 * @throws BackupError the job's own, or `INVALID_INPUT`, `CANCELLED`, `TIMED_OUT`, `JOB_CRASHED`, `RUNTIME_TOO_OLD`
 */
export async function runJob<K extends JobKind>(
	input: Extract<JobInput, { kind: K }>,
	options: RunJobOptions<K> = {},
): Promise<ResultOf<K>> {
	const job = checkJob(input);
	requireSupportedNode(process.version);
	if (options.signal?.aborted) throw cancelled(options.signal.reason);
	const parent = workParent(process.env);
	await removeOrphanedWorkFolders(parent);
	const workFolder = await makeWorkFolder(parent);
	// Where this fails, so do the job's own writes, which say what is wrong.
	const alive = setInterval(() => void showLife(workFolder).catch(() => undefined), SIGN_OF_LIFE_MS);
	try {
		const child = forkWorker(options.workerModule ?? join(__dirname, 'worker.js'), process.env, job);
		// The schema ties each kind to its handler's result, which the compiler cannot follow through the process boundary.
		return (await superviseChild(child, job, workFolder, options)) as ResultOf<K>;
	} finally {
		clearInterval(alive);
		await removeWorkFolder(workFolder);
	}
}

async function superviseChild(child: ChildProcess, job: Job, workFolder: string, options: RunJobOptions): Promise<unknown> {
	let outcome: Extract<ChildMessage, { type: 'result' | 'error' }> | undefined;
	let stopReason: BackupError | undefined;
	let killTimer: NodeJS.Timeout | undefined;
	let stderr = '';

	const send = (message: ParentMessage) => {
		if (child.connected) child.send(message, () => undefined);
	};
	const stop = (reason: BackupError) => {
		if (stopReason !== undefined) return;
		stopReason = reason;
		send({ type: 'cancel', reason: reason.toJSON() });
		killTimer = setTimeout(() => killGroup(child), CANCEL_GRACE_MS);
	};

	child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_TAIL)));
	child.on('message', (message: ChildMessage) => {
		if (message.type === 'progress') options.onProgress?.(message.event);
		else if (message.type === 'item') options.onItem?.(message.item as ItemOf<JobKind>);
		else outcome ??= message;
	});
	const onAbort = () => stop(cancelled(options.signal?.reason));
	options.signal?.addEventListener('abort', onAbort, { once: true });
	const timeout = options.timeoutMs === undefined ? undefined : setTimeout(() => stop(timedOut(job, options.timeoutMs)), options.timeoutMs);

	try {
		const ended = new Promise<string>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
		});
		child.once('exit', () => killGroup(child));
		if (child.pid !== undefined) options.onStarted?.(child.pid);
		send({ type: 'start', job, workFolder });
		if (options.signal?.aborted) onAbort();
		const how = await ended;
		if (outcome?.type === 'result') return outcome.result;
		if (stopReason !== undefined) throw stopReason;
		if (outcome?.type === 'error') throw BackupError.fromJSON(outcome.error);
		throw crashed(job, how, stderr);
	} finally {
		clearTimeout(timeout);
		clearTimeout(killTimer);
		options.signal?.removeEventListener('abort', onAbort);
		killGroup(child);
	}
}

function timedOut(job: Job, timeoutMs = 0): BackupError {
	return new BackupError(
		'TIMED_OUT',
		`The job "${job.kind}" was stopped after ${Math.round(timeoutMs / 1000)} seconds, its time-out.`,
		'Nothing was published. Raise the time-out if the job needs longer; otherwise see what it was waiting for.',
	);
}

function crashed(job: Job, how: string, stderr: string): BackupError {
	const heap = stderr.includes('heap out of memory');
	return new BackupError(
		'JOB_CRASHED',
		`The process of the job "${job.kind}" ended before it was done (${how})${stderr.trim() === '' ? '' : `: ${stderr.trim().split('\n').slice(-5).join(' | ')}`}.`,
		heap
			? 'It ran out of memory. Report this: a job must stay under 300 MB at any size.'
			: 'Nothing was published and earlier backups are untouched. See whether the system killed it (out of memory, restart), then run it again.',
	);
}
