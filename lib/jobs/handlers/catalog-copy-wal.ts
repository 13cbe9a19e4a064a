import { copyWal as copy } from '../../copy/copy-wal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const copyWal: JobHandler<'catalog.copyWal'> = async ({ kind: _, store, target, ...options }, context) =>
	await copy({ ...options, source: openStore(store, context), target: openStore(target, context) }, context);
