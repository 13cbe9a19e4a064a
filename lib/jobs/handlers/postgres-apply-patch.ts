import { applyPatch as apply } from '../../postgres/row-diff/apply-patch';
import type { JobHandler } from '../handler';

export const applyPatch: JobHandler<'postgres.applyPatch'> = async ({ kind: _, ...options }, context) => await apply(options, context);
