import { openStore } from '../../storage/open-store';
import { recoveryDrill as drill } from '../../verify/recovery-drill';
import type { JobHandler } from '../handler';

export const recoveryDrill: JobHandler<'verify.recoveryDrill'> = async ({ kind: _, store, ...options }, context) => await drill({ ...options, store: openStore(store, context) }, context);
