import { listRecoveries } from '../catalog/read-recovery-journal';
import { readVerification } from '../catalog/read-verification';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import { type ReadWindows, type StatusOptions, surveyStore } from '../status/read-status';
import type { State } from '../status/component-status';
import type { Store } from '../storage/store';
import { type FailedRun, renderDashboard } from './dashboard';
import { forecastRto } from './forecast-rto';
import { computeKpis, type Drill, type Targets } from './kpis';

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
const PARALLEL = 16;

/** The page that shows how the backups of a store stand. */
export async function readDashboard(store: Store, options: DashboardOptions, context: JobContext, readWindows?: ReadWindows): Promise<DashboardResult> {
	const { status, backups, runs } = await surveyStore(store, options, context, readWindows);
	const now = new Date(status.checkedAt);
	const failures: FailedRun[] = runs.flatMap(({ run, died }) => {
		if (run.outcome !== 'failed' && !died) return [];
		return [{ component: run.component, source: run.source, at: run.finishedAt ?? run.startedAt, message: died ? 'It ended without a word.' : (run.error?.message ?? 'No reason is recorded.') }];
	});
	const drills = await readDrills(store, backups, now);
	const recoveries = await listRecoveries(store, { limit: NEWEST_RECOVERIES }, context.signal);
	// Of more than one runbook of drills, the one that was run last.
	const drilled = recoveries.filter(({ by, name }) => by === DRILLED_BY && name === recoveries.find((one) => one.by === DRILLED_BY)?.name);
	const forecast = forecastRto(drilled, options.targets.rtoSeconds);
	const kpis = computeKpis({ backups, drills, now, days: DAYS, targets: options.targets });
	return { state: status.state, refreshSeconds: options.refreshSeconds, html: renderDashboard({ ...options, status, backups, failures, drills, recoveries, forecast, kpis }) };
}

/** What was restored as a test in the time that the goals look at. */
export async function readDrills(store: Store, backups: readonly BackupSummary[], now: Date): Promise<Drill[]> {
	const recent = backups.filter(({ startedAt }) => now.getTime() - Date.parse(startedAt) < 3 * DAYS * 86_400_000);
	const drills: Drill[] = [];
	for (let at = 0; at < recent.length; at += PARALLEL) {
		const batch = await Promise.all(recent.slice(at, at + PARALLEL).map(async ({ component, id }) => ({ component, id, verification: await readVerification(store, component, id) })));
		for (const { component, id, verification } of batch) {
			for (const check of verification?.checks ?? []) {
				if (check.level === 'restore') drills.push({ component, backup: id, at: check.at, durationSeconds: check.durationSeconds, passed: check.passed });
			}
		}
	}
	return drills;
}
