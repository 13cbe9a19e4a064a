import { archiveWal } from '../../postgres/wal/archive-wal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const archiveServerWal: JobHandler<'postgres.archiveWal'> = async (job, context) => await archiveWal(job, openStore(job.store, context), context);
