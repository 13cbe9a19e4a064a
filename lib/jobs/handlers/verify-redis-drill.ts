import { openStore } from '../../storage/open-store';
import { redisDrill as drill } from '../../verify/redis-drill';
import type { JobHandler } from '../handler';

export const redisDrill: JobHandler<'verify.redisDrill'> = async ({ kind: _, store, ...options }, context) => await drill({ ...options, store: openStore(store, context) }, context);
