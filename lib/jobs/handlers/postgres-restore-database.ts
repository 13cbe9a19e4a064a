import { restoreDatabase as restore } from '../../postgres/restore/restore-database';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const restoreDatabase: JobHandler<'postgres.restoreDatabase'> = async ({ kind: _, store, ...options }, context) =>
	await restore({ ...options, store: openStore(store, context) }, context);
