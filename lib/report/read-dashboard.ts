import { WAL_FOLDER } from '../catalog/layout';
import { listRecoveries } from '../catalog/read-recovery-journal';
import { readRunHistory } from '../catalog/run-history';
import type { JobContext } from '../core/context';
import type { State } from '../status/component-status';
import { type ReadWindows, type StatusOptions, surveyStore } from '../status/read-status';
import type { Store } from '../storage/store';
import { lastDays } from './calendar';
import { renderDashboard } from './dashboard';
import { findFailures } from './find-failures';
import { forecastRto } from './forecast-rto';
import { computeKpis, type Targets } from './kpis';
import { pastOf } from './past';
import { readDrills } from './read-drills';

export interface DashboardOptions extends StatusOptions {
	readonly title: string;
	readonly timeZone: string;
	readonly refreshSeconds: number;
	readonly targets: Targets;
}

export interface DashboardResult {
	readonly state: State;
	/** To be sent as the header `Refresh`; 0: not at all. */
	readonly refreshSeconds: number;
	/** The whole page. */
	readonly html: string;
}

const DAYS = 30;
const NEWEST_RECOVERIES = 50;
/** Who asks for a recovery that the drill workflow begins. */
const DRILLED_BY = 'drill';

/** The page that shows how the backups of a store stand. */
export async function readDashboard(store: Store, options: DashboardOptions, context: JobContext, readWindows?: ReadWindows): Promise<DashboardResult> {
	const survey = await surveyStore(store, options, context, readWindows);
	const { status, backups } = survey;
	const period = lastDays(new Date(status.checkedAt), DAYS, options.timeZone);
	const past = pastOf(survey, await readRunHistory(store, new Date(period.before.from)));
	const drills = await readDrills(store, backups, period.before.from);
	const recoveries = await listRecoveries(store, { limit: NEWEST_RECOVERIES }, context.signal);
	// Of more than one runbook of drills, the one that was run last.
	const drilled = recoveries.filter(({ by, name }) => by === DRILLED_BY && name === recoveries.find((one) => one.by === DRILLED_BY)?.name);
	const page = renderDashboard({
		...options,
		status,
		backups,
		past,
		period,
		// A run of this very moment is one of them.
		failures: findFailures(past.rows, { from: period.from, to: Number.POSITIVE_INFINITY }),
		drills,
		recoveries,
		forecast: forecastRto(drilled, options.targets.rtoSeconds),
		kpis: computeKpis({ past, drills, windows: status.recoveryWindows, period, targets: options.targets }),
		walBytes: await bytesBelow(store, WAL_FOLDER),
	});
	return { state: status.state, refreshSeconds: options.refreshSeconds, html: page };
}

async function bytesBelow(store: Store, folder: string): Promise<number> {
	let total = 0;
	for await (const { bytes } of store.list(folder)) total += bytes;
	return total;
}
