import { readCleanPoints } from '../../status/read-clean-points';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const cleanPoints: JobHandler<'catalog.cleanPoints'> = async ({ store, needed }, context) => await readCleanPoints(openStore(store, context), context, needed);
