import type { LogRow } from '../log/log-row';
import type { Span } from './calendar';

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

/** Runs that failed or died and backups that are damaged in a time, what is open first, then the newest, each with what has become of it. Pure. */
export function findFailures(rows: readonly LogRow[], { from, to }: Span): ReportedFailure[] {
	const sound = new Map<string, LogRow[]>();
	for (const row of rows) {
		if (row.status !== 'success' || row.damaged) continue;
		const series = sound.get(nameOf(row)) ?? [];
		series.push(row);
		sound.set(nameOf(row), series);
	}
	const failures = rows.flatMap((row): ReportedFailure[] => {
		if (row.status !== 'failed' && !row.damaged) return [];
		const at = row.damaged ? row.created_at : (row.finished_at ?? row.created_at);
		if (Date.parse(at) < from || Date.parse(at) >= to) return [];
		const later = (sound.get(nameOf(row)) ?? []).filter(({ created_at }) => created_at > row.created_at).sort((a, b) => (a.created_at < b.created_at ? -1 : 1))[0];
		return [row.damaged ? ofDamaged(row, at, later) : ofRun(row, at, later)];
	});
	return failures.sort((a, b) => Number(b.open) - Number(a.open) || (a.at < b.at ? 1 : -1));
}

function ofRun(row: LogRow, at: string, later: LogRow | undefined): ReportedFailure {
	return {
		at,
		what: `${row.component}: ${row.source} (${row.kind})`,
		message: row.error_message ?? 'No reason is recorded.',
		open: !later,
		done: later ? `The run of ${later.created_at} succeeded.` : 'Still open.',
		advice: later ? '' : (row.error_hint ?? ''),
	};
}

function ofDamaged(row: LogRow, at: string, later: LogRow | undefined): ReportedFailure {
	return {
		at,
		what: `${row.component}: backup ${row.backup_id}`,
		message: row.error_message ?? 'Its check failed.',
		open: !later,
		done: later ? `A newer, sound backup of it is ${later.backup_id}.` : 'Still open.',
		advice: later ? '' : 'Make a new backup now.',
	};
}

/** Those that replace each other over time. */
function nameOf({ component, kind, source }: LogRow): string {
	return JSON.stringify([component, kind, source]);
}
