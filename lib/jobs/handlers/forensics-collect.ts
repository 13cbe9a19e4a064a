import { collectEvidence } from '../../forensics/collect-evidence';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const collect: JobHandler<'forensics.collect'> = async ({ kind: _, store, ...options }, context) => await collectEvidence({ ...options, store: openStore(store, context) }, context);
