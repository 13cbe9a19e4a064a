import { listBackups } from '../../catalog/list-backups';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const listBackupsHandler: JobHandler<'catalog.list'> = async (job, context) => {
	const store = openStore(job.store, context);
	const kinds = job.backupKind === undefined ? undefined : [job.backupKind];
	return { backups: await listBackups(store, { component: job.component, kinds, source: job.source, limit: job.limit }) };
};
