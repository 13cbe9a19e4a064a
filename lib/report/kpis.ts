import { type Component, COMPONENTS } from '../catalog/component';
import type { RecoveryWindow } from '../catalog/recovery-window';
import { durationWords, sizeWords } from '../core/words';
import type { Period, Span } from './calendar';
import { isUsable, type Past } from './past';
import { gapsIn, shareWithin, walCounts } from './protection';

/** What the team wants to reach. */
export interface Targets {
	readonly rtoSeconds: number;
	readonly rpoSeconds: number;
	/** Share of the time, 0 to 1. */
	readonly availability: number;
	readonly sizeBytes: number;
	readonly durationSeconds: number;
}

export const DEFAULT_TARGETS: Targets = { rtoSeconds: 3600, rpoSeconds: 6 * 3600, availability: 0.999, sizeBytes: 10e9, durationSeconds: 30 * 60 };

/** A check that restored something. */
export interface Drill {
	readonly component: Component;
	readonly backup: string;
	readonly at: string;
	readonly durationSeconds: number;
	readonly passed: boolean;
}

export interface Kpi {
	readonly name: string;
	readonly target: string;
	/** null: nothing was measured yet. */
	readonly actual: string | null;
	/** The same, of the time before; null: not all of what ran then is known. */
	readonly before: string | null;
	/** How it has changed since, in words; null: nothing to compare with. */
	readonly trend: string | null;
	readonly reached: boolean | null;
	/** How it was computed, for whoever asks. */
	readonly explanation: string;
}

export interface KpiInput {
	readonly past: Past;
	readonly drills: readonly Drill[];
	/** To which moments database servers can be recovered now. */
	readonly windows: readonly RecoveryWindow[];
	readonly period: Period;
	readonly targets: Targets;
}

/** The guide's figures, each from real runs and drills of a period, and of as long a time before for the trend where all that ran then is known. */
export function computeKpis(input: KpiInput): Kpi[] {
	return [rto(input), rpo(input), availability(input), size(input), duration(input)];
}

function rto({ past, drills, targets, period }: KpiInput): Kpi {
	/** The newest drill of each component; components can be restored one after the other by one person. */
	const total = ({ from, to }: Span) => {
		const newest = new Map<Component, Drill>();
		for (const drill of drills) {
			const at = Date.parse(drill.at);
			const known = newest.get(drill.component);
			if (drill.passed && at >= from && at < to && (!known || Date.parse(known.at) < at)) newest.set(drill.component, drill);
		}
		return newest.size === 0 ? null : [...newest.values()].reduce((sum, drill) => sum + drill.durationSeconds, 0);
	};
	// What was found of a backup is deleted with it.
	const complete = past.rows.every((row) => !isUsable(row) || !isWithin(row.created_at, period.before) || past.kept.has(row.backup_id));
	const before = complete && drills.every(({ component }) => past.knownSince(component) <= period.before.from) ? total(period.before) : null;
	return kpi('Time to recover (RTO)', targets.rtoSeconds, total(period), before, durationWords, `The newest restore drill of each component in ${period.words}, one after the other. Deciding, fencing the application and switching over come on top.`);
}

const TOLERANCE_WORDS = 'A gap may be longer than the goal by as long as the run took that ended it: a backup counts from its begin, and is there at its end.';

function walWords({ windows, period }: KpiInput): string {
	return walCounts(windows, period) ? 'Archived WAL counts as far back as it is still kept.' : 'No archived WAL of that time is kept here.';
}

function rpo(input: KpiInput): Kpi {
	const { past, targets, period, windows } = input;
	const gaps = gapsIn(past.rows, windows, period);
	const longest = gaps.length === 0 ? null : Math.max(...gaps.map(({ ms }) => ms)) / 1000;
	const earlier = comparable(input) ? gapsIn(past.rows, [], period.before) : [];
	const explanation = `The longest time in ${period.words} from one moment to which the database can be brought back to the next: the begin of a usable backup, or any moment that archived WAL covers. ${walWords(input)} ${TOLERANCE_WORDS}`;
	const shown = kpi('Data at risk (RPO)', targets.rpoSeconds, longest, earlier.length === 0 ? null : Math.max(...earlier.map(({ ms }) => ms)) / 1000, durationWords, explanation);
	const tolerated = gaps.every(({ ms, toleranceMs }) => ms <= targets.rpoSeconds * 1000 + toleranceMs);
	return longest === null ? shown : { ...shown, reached: tolerated || shown.reached };
}

function availability(input: KpiInput): Kpi {
	const { past, targets, period, windows } = input;
	const allowed = targets.rpoSeconds * 1000;
	const actual = shareWithin(past.rows, windows, period, allowed);
	const before = comparable(input) ? shareWithin(past.rows, [], period.before, allowed) : null;
	const words = actual === null ? null : percent(actual);
	return {
		name: 'Backup availability',
		target: `at least ${percent(targets.availability)}`,
		actual: words,
		before: before === null ? null : percent(before),
		trend: actual === null || before === null ? null : trendWords(before - actual, Math.max(0.0005, (1 - before) * 0.05)),
		reached: actual === null ? null : actual >= targets.availability || words === percent(targets.availability),
		explanation: `The share of ${period.words}, since the first backup, in which the database could be brought back to a moment no older than the RPO. ${walWords(input)} ${TOLERANCE_WORDS}`,
	};
}

/** Whether the time before is known as this one is: WAL of then is gone, and with it what it covered. */
function comparable({ past, windows, period }: KpiInput): boolean {
	return past.knownSince('postgres') <= period.before.from && !walCounts(windows, period);
}

function size({ past, targets, period }: KpiInput): Kpi {
	const total = ({ from, to }: Span, counts: (id: string) => boolean) => {
		const newest = new Map<string, { at: number; bytes: number }>();
		for (const row of past.rows) {
			const at = Date.parse(row.created_at);
			if (!isUsable(row) || row.kind === 'incremental' || row.stored_bytes === null || at < from || at >= to || !counts(row.backup_id)) continue;
			const key = `${row.component} ${row.kind} ${row.source}`;
			if (at > (newest.get(key)?.at ?? -1)) newest.set(key, { at, bytes: row.stored_bytes });
		}
		return newest.size === 0 ? null : [...newest.values()].reduce((sum, { bytes }) => sum + bytes, 0);
	};
	return kpi('Size of one full backup', targets.sizeBytes, total({ from: 0, to: period.to }, (id) => past.kept.has(id)), isKnown(past, period.before) ? total(period.before, () => true) : null, sizeWords, 'The newest full backup of everything, together, as stored in one place.');
}

function duration({ past, targets, period }: KpiInput): Kpi {
	const longest = (span: Span) => {
		const minutes = past.rows.flatMap((row) => (isUsable(row) && row.duration_minutes !== null && isWithin(row.created_at, span) ? [row.duration_minutes] : []));
		return minutes.length === 0 ? null : Math.max(...minutes) * 60;
	};
	return kpi('Longest backup', targets.durationSeconds, longest(period), isKnown(past, period.before) ? longest(period.before) : null, durationWords, `The longest successful run in ${period.words}.`);
}

/** Whether all that ran in a time is known, of every component. */
function isKnown({ rows, knownSince }: Past, { from }: Span): boolean {
	return COMPONENTS.every((component) => !rows.some((row) => row.component === component) || knownSince(component) <= from);
}

function kpi(name: string, target: number, actual: number | null, before: number | null, words: (value: number) => string, explanation: string): Kpi {
	const shown = (value: number | null) => (value === null ? null : words(value));
	return {
		name,
		target: `at most ${words(target)}`,
		actual: shown(actual),
		before: shown(before),
		trend: actual === null || before === null ? null : trendWords(actual - before, before * 0.05),
		// As it is shown: a reader who sees "6.0 h" beside "at most 6.0 h" is told what he sees.
		reached: actual === null ? null : actual <= target || words(actual) === words(target),
		explanation,
	};
}

/** @param change above 0: for the worse */
function trendWords(change: number, within: number): string {
	return Math.abs(change) <= within ? 'about the same' : change > 0 ? 'worse than before' : 'better than before';
}

function isWithin(iso: string, { from, to }: Span): boolean {
	return Date.parse(iso) >= from && Date.parse(iso) < to;
}

function percent(share: number): string {
	return `${(Math.floor(share * 100_000) / 1000).toFixed(share < 0.9995 ? 1 : 2)} %`;
}
