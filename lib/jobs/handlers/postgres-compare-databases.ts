import { compareDatabases as compare } from '../../postgres/compare-databases';
import type { JobHandler } from '../handler';

export const compareDatabases: JobHandler<'postgres.compareDatabases'> = async ({ kind: _, ...options }, context) => await compare(options, context);
