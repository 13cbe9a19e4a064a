import { dropPrevious as drop } from '../../postgres/restore/drop-previous';
import type { JobHandler } from '../handler';

export const dropPrevious: JobHandler<'postgres.dropPrevious'> = async ({ kind: _, ...options }, context) => await drop(options, context);
