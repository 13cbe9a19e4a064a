import { advanceRecovery } from '../../recovery/journal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const nextStage: JobHandler<'recovery.next'> = async ({ store, recovery, run, report }, context) =>
	await advanceRecovery(openStore(store, context), { id: recovery, run }, report, context);
