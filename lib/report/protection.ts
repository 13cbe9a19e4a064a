import type { LogRow } from '../log/log-row';
import type { RecoveryWindow } from '../catalog/recovery-window';
import type { Span } from './calendar';
import { isUsable } from './past';

/** A time in which the newest thing that can be brought back was never older than its own age at the end. */
interface Moment {
	/** From when, and to when anything in between can be brought back; the same for a backup. */
	readonly from: number;
	readonly to: number;
	/** How long it took to make: until it is there, the one before it is the newest. */
	readonly tookMs: number;
}

export interface Gap {
	readonly ms: number;
	/** How much longer than planned it may be: as long as the run took that ended it, or takes that is to end it. */
	readonly toleranceMs: number;
}

/** To which moments a database could be brought back: when its usable backups began, and whatever archived WAL covers. Ascending. */
function momentsOf(rows: readonly LogRow[], windows: readonly RecoveryWindow[]): Moment[] {
	const backups = rows.filter((row) => row.component === 'postgres' && isUsable(row)).map(({ created_at, duration_minutes }) => ({ from: Date.parse(created_at), to: Date.parse(created_at), tookMs: (duration_minutes ?? 0) * 60_000 }));
	return [...backups, ...windowSpans(windows).map((span) => ({ ...span, tookMs: 0 }))].sort((a, b) => a.from - b.from);
}

function windowSpans(windows: readonly RecoveryWindow[]): Span[] {
	return windows.flatMap(({ from, to }) => (to === null || Date.parse(to) <= Date.parse(from) ? [] : [{ from: Date.parse(from), to: Date.parse(to) }]));
}

/** Whether archived WAL makes up for anything in a time. */
export function walCounts(windows: readonly RecoveryWindow[], { from, to }: Span): boolean {
	return windowSpans(windows).some((window) => window.to > from && window.from < to);
}

/** The times in which nothing newer could be brought back, those that reach into the span at its ends included; none: nothing is known of it. */
export function gapsIn(rows: readonly LogRow[], windows: readonly RecoveryWindow[], { from, to }: Span): Gap[] {
	const moments = momentsOf(rows, windows).filter((moment) => moment.from < to);
	const gaps: Gap[] = [];
	let reached: number | undefined;
	let took = 0;
	for (const moment of moments) {
		if (reached !== undefined && moment.from > from && moment.from > reached) gaps.push({ ms: moment.from - reached, toleranceMs: moment.tookMs });
		if (reached === undefined || moment.to > reached) reached = moment.to;
		took = moment.tookMs || took;
	}
	if (reached !== undefined && reached < to) gaps.push({ ms: to - reached, toleranceMs: took });
	return reached === undefined ? [] : gaps.length > 0 ? gaps : [{ ms: 0, toleranceMs: 0 }];
}

/** The share of a time, since its first backup, in which nothing that could be brought back was older than allowed; null: nothing is known of it. */
export function shareWithin(rows: readonly LogRow[], windows: readonly RecoveryWindow[], { from, to }: Span, allowedMs: number): number | null {
	const moments = momentsOf(rows, windows).filter((moment) => moment.from < to);
	const [first] = moments;
	if (first === undefined) return null;
	const start = Math.max(from, first.from);
	let covered = 0;
	let counted = start;
	for (const [at, moment] of moments.entries()) {
		const tolerance = moments[at + 1]?.tookMs ?? moment.tookMs;
		const end = Math.min(to, moment.to + allowedMs + tolerance);
		covered += Math.max(0, end - Math.max(counted, moment.from));
		counted = Math.max(counted, end);
	}
	return to <= start ? null : covered / (to - start);
}
