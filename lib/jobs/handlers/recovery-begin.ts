import { beginRecovery } from '../../recovery/journal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const begin: JobHandler<'recovery.begin'> = async ({ kind: _, store, ...options }, context) => await beginRecovery(openStore(store, context), options, context);
