import { readRecoveryWindows } from '../../postgres/wal/read-recovery-windows';
import { readDashboard } from '../../report/read-dashboard';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const dashboard: JobHandler<'catalog.dashboard'> = async (job, context) => await readDashboard(openStore(job.store, context), job, context, readRecoveryWindows);
