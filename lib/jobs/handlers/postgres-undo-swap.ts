import { undoSwap as undo } from '../../postgres/restore/undo-swap';
import type { JobHandler } from '../handler';

export const undoSwap: JobHandler<'postgres.undoSwap'> = async ({ kind: _, ...options }, context) => await undo(options, context);
