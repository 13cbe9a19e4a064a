import { streamWal } from '../../postgres/wal/stream-wal';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const streamServerWal: JobHandler<'postgres.streamWal'> = async (job, context, emit = () => undefined) => await streamWal(job, openStore(job.store, context), context, emit);
