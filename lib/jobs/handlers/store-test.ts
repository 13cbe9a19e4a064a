import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

/** Writes, reads back and removes a small object. */
export const testStore: JobHandler<'store.test'> = async (job, context) => {
	const store = openStore(job.store, context);
	await store.check(context.signal);
	return { store: store.description, freeBytes: (await store.freeBytes()) ?? null };
};
