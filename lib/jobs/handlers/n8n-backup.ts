import { summarize } from '../../catalog/summarize';
import { backupN8n as backup } from '../../n8n/backup-n8n';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const backupN8n: JobHandler<'n8n.backup'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await backup(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
