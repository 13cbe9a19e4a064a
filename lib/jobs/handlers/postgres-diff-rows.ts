import { diffRows as diff } from '../../postgres/row-diff/diff-rows';
import type { JobHandler } from '../handler';

export const diffRows: JobHandler<'postgres.diffRows'> = async ({ kind: _, ...options }, context) => await diff(options, context);
