import { openStore } from '../../storage/open-store';
import { verifyContinuity as verify } from '../../verify/verify-continuity';
import type { JobHandler } from '../handler';

export const verifyContinuity: JobHandler<'verify.continuity'> = async ({ kind: _, store, ...options }, context) => await verify({ ...options, store: openStore(store, context) }, context);
