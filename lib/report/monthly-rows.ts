import type { LogRow } from '../log/log-row';
import { dayOf, type Span } from './calendar';

/** What one component did on one day, with the meaning of the columns of the guide's query over `backup_log`. */
export interface MonthlyRow {
	/** `YYYY-MM-DD` in the report's zone. */
	readonly day: string;
	readonly component: string;
	/** Runs of every outcome. */
	readonly backups: number;
	/** Averages of the runs that know it; null: none does. */
	readonly averageSizeMb: number | null;
	readonly averageMinutes: number | null;
	readonly successful: number;
	readonly failed: number;
}

/** Newest day first, then by component; only what began in the span. Pure. */
export function monthlyRows(rows: readonly LogRow[], { from, to }: Span, timeZone: string): MonthlyRow[] {
	const groups = new Map<string, { day: string; component: string; rows: LogRow[] }>();
	for (const row of rows) {
		const at = Date.parse(row.created_at);
		if (at < from || at >= to) continue;
		const day = dayOf(row.created_at, timeZone);
		const key = `${day} ${row.component}`;
		const group = groups.get(key) ?? { day, component: row.component, rows: [] };
		group.rows.push(row);
		groups.set(key, group);
	}
	const sorted = [...groups.values()].sort((a, b) => (a.day === b.day ? compare(a.component, b.component) : compare(b.day, a.day)));
	return sorted.map(({ day, component, rows: some }) => ({
		day,
		component,
		backups: some.length,
		averageSizeMb: average(some.map((row) => row.size_mb)),
		averageMinutes: average(some.map((row) => row.duration_minutes)),
		successful: some.filter(({ status }) => status === 'success').length,
		failed: some.filter(({ status }) => status === 'failed').length,
	}));
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

function average(values: readonly (number | null)[]): number | null {
	const known = values.filter((value) => value !== null);
	return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
