import { recordInJournal } from '../../recovery/journal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const note: JobHandler<'recovery.note'> = async (job, context) => ({
	recovery: await recordInJournal(openStore(job.store, context), { id: job.recovery, run: job.run }, job.note, context),
});
