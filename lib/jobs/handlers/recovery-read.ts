import { listRecoveries, readRecoveryJournal } from '../../catalog/read-recovery-journal';
import { summarizeRecovery } from '../../catalog/recovery-summary';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const readRecoveries: JobHandler<'recovery.read'> = async ({ recovery, ...job }, context) => {
	const store = openStore(job.store, context);
	if (recovery === undefined) return { recoveries: await listRecoveries(store, job, context.signal) };
	const journal = await readRecoveryJournal(store, recovery, context.signal);
	return { recoveries: journal === undefined ? [] : [summarizeRecovery(journal.request, journal.entries)] };
};
