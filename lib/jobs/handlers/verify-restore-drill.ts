import { openStore } from '../../storage/open-store';
import { restoreDrill as drill } from '../../verify/restore-drill';
import type { JobHandler } from '../handler';

export const restoreDrill: JobHandler<'verify.restoreDrill'> = async ({ kind: _, store, ...options }, context) =>
	await drill({ ...options, store: openStore(store, context) }, context);
