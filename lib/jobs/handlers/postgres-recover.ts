import { recover as recoverServer } from '../../postgres/recovery/recover';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const recover: JobHandler<'postgres.recover'> = async ({ kind: _, store, ...options }, context) => await recoverServer({ ...options, store: openStore(store, context) }, context);
