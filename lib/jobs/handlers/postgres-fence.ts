import { fenceDatabase } from '../../postgres/restore/fence';
import type { JobHandler } from '../handler';

export const fence: JobHandler<'postgres.fence'> = async ({ kind: _, ...options }, context) => await fenceDatabase(options, context);
