import { writeStartedRun } from '../../catalog/started-runs';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const recordStart: JobHandler<'catalog.recordStart'> = async ({ store, id, name }, context) => ({
	started: await writeStartedRun(openStore(store, context), { id, name, startedAt: context.now().toISOString() }, context.signal),
});
