import { listRecoveries } from '../catalog/read-recovery-journal';
import { readRunHistory } from '../catalog/run-history';
import type { JobContext } from '../core/context';
import type { LogRow } from '../log/log-row';
import type { State } from '../status/component-status';
import { type ReadWindows, type StatusOptions, surveyStore } from '../status/read-status';
import type { Store } from '../storage/store';
import { lastDays, monthBefore, monthSoFar, type Period } from './calendar';
import { findFailures, type ReportedFailure } from './find-failures';
import { computeKpis, type Targets } from './kpis';
import { renderMonthlyHtml } from './monthly-html';
import type { MonthlyReport } from './monthly-report';
import { monthlyRows } from './monthly-rows';
import { renderMonthlyText, subjectOf } from './monthly-text';
import { pastOf } from './past';
import { readDrills } from './read-drills';

export interface MonthlyReportOptions extends StatusOptions {
	readonly title: string;
	/** IANA name; days and months begin in it. */
	readonly timeZone: string;
	/** How many days up to now; 0: the calendar month before, or of a store in which nothing ran then, the one that is going on. */
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
	/** What failed in that time, what is open first. */
	readonly failures: readonly ReportedFailure[];
}

const NEWEST_RECOVERIES = 50;

/** What happened to the backups of a store in a month, as an email. */
export async function readMonthlyReport(store: Store, options: MonthlyReportOptions, context: JobContext, readWindows?: ReadWindows): Promise<MonthlyReportResult> {
	const survey = await surveyStore(store, options, context, readWindows);
	const { status, backups } = survey;
	const now = new Date(status.checkedAt);
	const { timeZone } = options;
	const earliest = options.days === 0 ? monthBefore(now, timeZone).before.from : lastDays(now, options.days, timeZone).before.from;
	const history = await readRunHistory(store, new Date(earliest));
	const past = pastOf(survey, history);
	const period = periodOf(options, now, past.rows);
	const within = (iso: string) => Date.parse(iso) >= period.from && Date.parse(iso) < period.to;
	const drills = await readDrills(store, backups, period.before.from);
	const recoveries = await listRecoveries(store, { limit: NEWEST_RECOVERIES }, context.signal);
	const report: MonthlyReport = {
		title: options.title,
		timeZone,
		period,
		status,
		rows: monthlyRows(past.rows, period, timeZone),
		kpis: computeKpis({ past, drills, windows: status.recoveryWindows, period, targets: options.targets }),
		failures: findFailures(past.rows, period),
		failuresSince: history.since.size === 0 ? null : new Date(Math.max(...[...history.since.values()].map((since) => since.getTime()))).toISOString(),
		drills: drills.filter(({ at }) => within(at)).sort((a, b) => (a.at < b.at ? 1 : -1)),
		recoveries: recoveries.filter(({ startedAt }) => within(startedAt)),
	};
	return { state: status.state, subject: subjectOf(report), html: renderMonthlyHtml(report), text: renderMonthlyText(report), failures: report.failures };
}

function periodOf({ days, timeZone }: MonthlyReportOptions, now: Date, rows: readonly LogRow[]): Period {
	if (days > 0) return lastDays(now, days, timeZone);
	const month = monthBefore(now, timeZone);
	return rows.some(({ created_at }) => Date.parse(created_at) < month.to) ? month : monthSoFar(now, timeZone);
}
