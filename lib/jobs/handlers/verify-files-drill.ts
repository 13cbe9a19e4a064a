import { openStore } from '../../storage/open-store';
import { filesDrill as drill } from '../../verify/files-drill';
import type { JobHandler } from '../handler';

export const filesDrill: JobHandler<'verify.filesDrill'> = async ({ kind: _, store, ...options }, context) =>
	await drill({ ...options, store: openStore(store, context) }, context);
