import { summarize } from '../../catalog/summarize';
import { takeBaseBackup } from '../../postgres/basebackup/take-base-backup';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const baseBackup: JobHandler<'postgres.baseBackup'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await takeBaseBackup(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
