import { replaceFromRecovered as replace } from '../../postgres/recovery/replace-from-recovered';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const replaceFromRecovered: JobHandler<'postgres.replaceFromRecovered'> = async ({ kind: _, store, ...options }, context) =>
	await replace({ ...options, recoveredDatabase: options.recoveredDatabase || options.database, store: openStore(store, context) }, context);
