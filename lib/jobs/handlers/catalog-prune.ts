import { prune as pruneStore } from '../../retention/prune';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const prune: JobHandler<'catalog.prune'> = async (job, context) =>
	await pruneStore(openStore(job.store, context), context, { component: job.component, policy: job.policy, walWindowHours: job.walWindowHours, apply: job.apply, overdueHours: job.overdueHours });
