import { listRecoveries } from '../../catalog/read-recovery-journal';
import { forecastRto } from '../../report/forecast-rto';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

/** A year of monthly drills, and as many that failed. */
const NEWEST = 24;

export const forecast: JobHandler<'recovery.forecast'> = async ({ store, name, targetSeconds }, context) =>
	forecastRto(await listRecoveries(openStore(store, context), { name, limit: NEWEST }, context.signal), targetSeconds);
