import { readLockStates } from '../../catalog/lock-state';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const lockStates: JobHandler<'catalog.lockStates'> = async ({ store, limit }, context) => await readLockStates(openStore(store, context), limit, context.signal);
