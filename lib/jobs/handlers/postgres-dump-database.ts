import { summarize } from '../../catalog/summarize';
import { dumpDatabase as dump } from '../../postgres/dump-database';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const dumpDatabase: JobHandler<'postgres.dumpDatabase'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await dump(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
