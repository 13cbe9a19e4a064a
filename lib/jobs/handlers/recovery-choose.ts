import { listRecoveryPoints } from '../../catalog/list-recovery-points';
import { choosePoint } from '../../recovery/choose-point';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

/** Nearly always enough; every point that is looked at costs a request for each of its members. */
const NEWEST = 50;

export const choosePointHandler: JobHandler<'recovery.choose'> = async (job, context) => {
	const store = openStore(job.store, context);
	const choice = choosePoint(await listRecoveryPoints(store, { limit: NEWEST }), job.named, job.needed);
	return choice.recoveryPoint === null ? choosePoint(await listRecoveryPoints(store), job.named, job.needed) : choice;
};
