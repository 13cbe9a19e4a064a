import { listRecoveryPoints } from '../../catalog/list-recovery-points';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const listPoints: JobHandler<'recovery.list'> = async ({ store, limit }, context) => ({
	recoveryPoints: await listRecoveryPoints(openStore(store, context), { limit }),
});
