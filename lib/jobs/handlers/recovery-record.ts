import { recordRecoveryPoint } from '../../recovery/record';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const recordPoint: JobHandler<'recovery.record'> = async ({ kind: _, store, ...options }, context) => ({
	recoveryPoint: await recordRecoveryPoint(openStore(store, context), options, context),
});
