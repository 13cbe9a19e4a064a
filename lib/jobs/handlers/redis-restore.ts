import { restoreRedis as restore } from '../../redis/restore/restore-redis';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const restoreRedis: JobHandler<'redis.restore'> = async ({ kind: _, store, ...options }, context) => await restore({ ...options, store: openStore(store, context) }, context);
