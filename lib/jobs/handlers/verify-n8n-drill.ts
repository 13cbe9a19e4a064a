import { openStore } from '../../storage/open-store';
import { n8nDrill as drill } from '../../verify/n8n-drill';
import type { JobHandler } from '../handler';

export const n8nDrill: JobHandler<'verify.n8nDrill'> = async ({ kind: _, store, ...options }, context) =>
	await drill({ ...options, store: openStore(store, context) }, context);
