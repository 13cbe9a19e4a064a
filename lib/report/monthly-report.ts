import type { RecoverySummary } from '../catalog/recovery-summary';
import type { StatusResult } from '../status/read-status';
import type { Drill, Kpi } from './kpis';
import type { MonthlyRow } from './monthly-rows';

/** Something that failed, and what has become of it. Times are ISO 8601. */
export interface ReportedFailure {
	readonly at: string;
	readonly what: string;
	readonly message: string;
	/** Nothing has succeeded since. */
	readonly open: boolean;
	readonly done: string;
	/** What the error says should be done; else empty. */
	readonly advice: string;
}

/** What a report tells, before it is put into words. */
export interface MonthlyReport {
	readonly title: string;
	readonly timeZone: string;
	readonly days: number;
	readonly from: string;
	readonly status: StatusResult;
	readonly rows: readonly MonthlyRow[];
	readonly kpis: readonly Kpi[];
	/** Newest first. */
	readonly failures: readonly ReportedFailure[];
	readonly drills: readonly Drill[];
	/** Recoveries and drills by runbook, newest first. */
	readonly recoveries: readonly RecoverySummary[];
}

/** Where the report knows less than people may think. */
export const FAILURES_NOTE = 'Of failed runs the store remembers the newest of each series until one succeeds; the table backup_log keeps them all.';
