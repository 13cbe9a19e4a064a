import { pruneWal as prune } from '../../retention/prune-wal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const pruneWal: JobHandler<'catalog.pruneWal'> = async ({ store, systemIdentifier, windowHours, apply }, context) =>
	await prune(openStore(store, context), context, { systemIdentifier, windowHours, apply });
