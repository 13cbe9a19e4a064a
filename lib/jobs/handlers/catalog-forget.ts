import { forgetSchedule } from '../../alerts/forget-schedule';
import { forgetSeries } from '../../catalog/forgotten-series';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const forgetSeriesHandler: JobHandler<'catalog.forgetSeries'> = async ({ store, component, source, backupKind }, context) =>
	await forgetSeries(openStore(store, context), { component, source, kind: backupKind }, context);

export const forgetScheduleHandler: JobHandler<'catalog.forgetSchedule'> = async ({ store, id }, context) => {
	await forgetSchedule(openStore(store, context), id, context);
	return { forgottenSchedule: id };
};
