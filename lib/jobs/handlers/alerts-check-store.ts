import { readRecoveryWindows } from '../../postgres/wal/read-recovery-windows';
import { checkStoreAlerts } from '../../alerts/check-alerts';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const checkStore: JobHandler<'alerts.checkStore'> = async (job, context) => await checkStoreAlerts(openStore(job.store, context), job, context, readRecoveryWindows);
