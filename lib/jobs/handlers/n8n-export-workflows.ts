import { exportWorkflows as exportThem } from '../../n8n/export-workflows';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const exportWorkflows: JobHandler<'n8n.exportWorkflows'> = async ({ kind: _, store, ...options }, context) =>
	await exportThem({ ...options, store: openStore(store, context) }, context);
