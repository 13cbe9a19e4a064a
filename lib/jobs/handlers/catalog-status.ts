import { readRecoveryWindows } from '../../postgres/wal/read-recovery-windows';
import { readStatus } from '../../status/read-status';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const status: JobHandler<'catalog.status'> = async (job, context) => await readStatus(openStore(job.store, context), job, context, readRecoveryWindows);
