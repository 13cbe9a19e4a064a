import { writeExpectedRun } from '../../catalog/expected-runs';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const recordSuccess: JobHandler<'catalog.recordSuccess'> = async ({ store, id, name, nextWithinHours, dueAt }, context) => {
	const now = context.now();
	const nextBy = new Date(now.getTime() + nextWithinHours * 3_600_000);
	return { expected: await writeExpectedRun(openStore(store, context), { id, name, succeededAt: now.toISOString(), nextBy: nextBy.toISOString(), dueAt }, context.signal) };
};
