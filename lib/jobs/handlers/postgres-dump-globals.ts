import { summarize } from '../../catalog/summarize';
import { dumpGlobals as dump } from '../../postgres/dump-globals';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const dumpGlobals: JobHandler<'postgres.dumpGlobals'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await dump(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
