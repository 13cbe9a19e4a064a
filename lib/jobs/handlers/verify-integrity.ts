import { openStore } from '../../storage/open-store';
import { verifyIntegrity as verify } from '../../verify/verify-integrity';
import type { JobHandler } from '../handler';

export const verifyIntegrity: JobHandler<'verify.integrity'> = async ({ kind: _, store, ...options }, context) =>
	await verify({ ...options, store: openStore(store, context) }, context);
