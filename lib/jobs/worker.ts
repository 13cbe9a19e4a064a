import { randomBytes } from 'node:crypto';
import { BackupError, toBackupError } from '../core/errors';
import { ProgressMemory, throttled } from '../core/progress';
import type { JobKeys } from '../core/keys';
import { runHandler } from './registry';
import type { ChildMessage, ParentMessage } from './protocol';
import type { Job } from './schema/job';
import { removeWorkFolder } from './work-folder';

/** After the parent has gone, the time that the job has to end its tools and clean up before the process leaves. */
const ORPHAN_GRACE_MS = 20_000;

const controller = new AbortController();
let workFolder: string | undefined;

process.on('message', (message: ParentMessage) => {
	switch (message.type) {
		case 'start':
			workFolder = message.workFolder;
			void run(message);
			return;
		case 'cancel':
			controller.abort(BackupError.fromJSON(message.reason));
			return;
	}
});

process.once('disconnect', () => {
	controller.abort(new BackupError('CANCELLED', 'The process that started the job has gone.', 'Start the job again.'));
	setTimeout(() => process.exit(1), ORPHAN_GRACE_MS);
});

for (const name of ['SIGTERM', 'SIGINT'] as const) {
	process.on(name, () => controller.abort(new BackupError('CANCELLED', `The job was ended by ${name}.`, 'Start the job again.')));
}

async function run(message: Extract<ParentMessage, { type: 'start' }>): Promise<void> {
	const now = () => new Date();
	const throttledReport = throttled(
		(event) => send({ type: 'progress', event }),
		() => performance.now(),
	);
	const progress = new ProgressMemory(throttledReport, now);
	const context = {
		now,
		randomBytes: (bytes: number) => randomBytes(bytes),
		signal: controller.signal,
		progress: progress.reporter,
		latestProgress: progress.latest,
		keys: keysOf(message.job),
		workFolder: message.workFolder,
	};
	try {
		finish({ type: 'result', result: await runHandler(message.job, context, (item) => send({ type: 'item', item })) });
	} catch (error) {
		const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
		finish({ type: 'error', error: toBackupError(reason).toJSON() });
	}
}

function keysOf(job: Job): JobKeys {
	return {
		encryption: 'encryption' in job ? job.encryption : null,
		decryption: 'decryption' in job ? job.decryption : null,
	};
}

function send(message: ChildMessage): void {
	if (process.connected) process.send?.(message);
}

/** Hands over the outcome and leaves; where the parent is gone, removes the work folder that it would have removed. */
function finish(message: ChildMessage): void {
	if (process.connected && process.send) process.send(message, () => process.exit(0));
	else void removeWorkFolder(workFolder ?? '').finally(() => process.exit(1));
}
