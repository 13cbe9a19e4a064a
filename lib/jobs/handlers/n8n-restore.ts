import { restoreN8n as restore } from '../../n8n/restore/restore-n8n';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const restoreN8n: JobHandler<'n8n.restore'> = async ({ kind: _, store, ...options }, context) =>
	await restore({ ...options, store: openStore(store, context) }, context);
