import { summarize } from '../../catalog/summarize';
import { BackupError } from '../../core/errors';
import { takeBaseBackup } from '../../postgres/basebackup/take-base-backup';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const baseBackup: JobHandler<'postgres.baseBackup'> = async (job, context) => {
	if (job.mode === 'incremental') throw new BackupError('INVALID_INPUT', 'Incremental base backups are not built yet.', 'Take a full one.');
	const store = openStore(job.store, context);
	const manifest = await takeBaseBackup(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
