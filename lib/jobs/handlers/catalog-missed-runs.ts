import { takeMissedRuns } from '../../catalog/missed-runs';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const missedRuns: JobHandler<'catalog.missedRuns'> = async ({ store }, context) => ({ missed: await takeMissedRuns(openStore(store, context), context) });
