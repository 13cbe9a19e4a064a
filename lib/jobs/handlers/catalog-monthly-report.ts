import { readRecoveryWindows } from '../../postgres/wal/read-recovery-windows';
import { readMonthlyReport } from '../../report/read-monthly-report';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const monthlyReport: JobHandler<'catalog.monthlyReport'> = async (job, context) => await readMonthlyReport(openStore(job.store, context), job, context, readRecoveryWindows);
