import { recordDelivered } from '../../alerts/check-alerts';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const recordAlerts: JobHandler<'alerts.record'> = async ({ store, delivered }, context) => ({ open: await recordDelivered(openStore(store, context), delivered, context) });
