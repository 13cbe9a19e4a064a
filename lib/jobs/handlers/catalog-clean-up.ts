import { cleanUpStore } from '../../catalog/clean-up';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const cleanUp: JobHandler<'catalog.cleanUp'> = async (job, context) =>
	await cleanUpStore(openStore(job.store, context), context, { apply: job.apply, olderThanMinutes: job.olderThanMinutes });
