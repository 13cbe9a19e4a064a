import { summarize } from '../../catalog/summarize';
import { takeSnapshot } from '../../redis/snapshot';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const snapshotRedis: JobHandler<'redis.snapshot'> = async (job, context) => {
	const store = openStore(job.store, context);
	const manifest = await takeSnapshot(job, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
