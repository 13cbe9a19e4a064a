import { listRecoveries } from '../catalog/read-recovery-journal';
import type { JobContext } from '../core/context';
import { rowsOfStore } from '../log/log-row';
import type { State } from '../status/component-status';
import { type ReadWindows, type StatusOptions, surveyStore } from '../status/read-status';
import type { Store } from '../storage/store';
import { computeKpis, type Targets } from './kpis';
import { findFailures } from './find-failures';
import type { MonthlyReport, ReportedFailure } from './monthly-report';
import { renderMonthlyHtml } from './monthly-html';
import { monthlyRows } from './monthly-rows';
import { renderMonthlyText, subjectOf } from './monthly-text';
import { readDrills } from './read-dashboard';

export interface MonthlyReportOptions extends StatusOptions {
	readonly title: string;
	/** IANA name; days begin in it. */
	readonly timeZone: string;
	/** How many days up to now. */
	readonly days: number;
	readonly targets: Targets;
}

export interface MonthlyReportResult {
	readonly state: State;
	/** One line. */
	readonly subject: string;
	/** A whole page that mail programs show: tables and styles of its own, nothing from anywhere else. */
	readonly html: string;
	/** The same for those that show no HTML. */
	readonly text: string;
	/** What failed in those days, newest first. */
	readonly failures: readonly ReportedFailure[];
}

const DAY_MS = 86_400_000;
const NEWEST_RECOVERIES = 50;

/** What happened to the backups of a store in the last days, as an email. */
export async function readMonthlyReport(store: Store, options: MonthlyReportOptions, context: JobContext, readWindows?: ReadWindows): Promise<MonthlyReportResult> {
	const { status, backups, runs } = await surveyStore(store, options, context, readWindows);
	const now = new Date(status.checkedAt);
	const from = new Date(now.getTime() - options.days * DAY_MS);
	const within = (iso: string) => Date.parse(iso) >= from.getTime();
	const drills = await readDrills(store, backups, now);
	const recoveries = await listRecoveries(store, { limit: NEWEST_RECOVERIES }, context.signal);
	const report: MonthlyReport = {
		title: options.title,
		timeZone: options.timeZone,
		days: options.days,
		from: from.toISOString(),
		status,
		rows: monthlyRows(rowsOfStore(runs, backups, store.description), from, options.timeZone),
		kpis: computeKpis({ backups, drills, now, days: options.days, targets: options.targets }),
		failures: findFailures(runs, backups, from),
		drills: drills.filter(({ at }) => within(at)).sort((a, b) => (a.at < b.at ? 1 : -1)),
		recoveries: recoveries.filter(({ startedAt }) => within(startedAt)),
	};
	return { state: status.state, subject: subjectOf(report), html: renderMonthlyHtml(report), text: renderMonthlyText(report), failures: report.failures };
}
