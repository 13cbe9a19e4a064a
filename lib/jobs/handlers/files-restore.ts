import { restoreFiles as restore } from '../../files/restore/restore-files';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const restoreFiles: JobHandler<'files.restore'> = async ({ kind: _, store, ...options }, context) =>
	await restore({ ...options, store: openStore(store, context) }, context);
