import { summarize } from '../../catalog/summarize';
import { extractChangedRows as extract } from '../../postgres/extract-changed-rows';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const extractChangedRows: JobHandler<'postgres.extractChangedRows'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await extract(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
