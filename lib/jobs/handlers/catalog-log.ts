import { mirrorStore } from '../../log/mirror-store';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const mirrorLog: JobHandler<'catalog.log'> = async (job, context) => await mirrorStore(openStore(job.store, context), job, context);
