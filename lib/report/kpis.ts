import type { Component } from '../catalog/component';
import type { BackupSummary } from '../catalog/summary';
import { COUNTED_KINDS } from '../status/thresholds';
import { durationWords, sizeWords } from '../core/words';

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
	/** The same, of the time before. */
	readonly before: string | null;
	/** How it has changed since, in words; null: nothing to compare with. */
	readonly trend: string | null;
	readonly reached: boolean | null;
	/** How it was computed, for whoever asks. */
	readonly explanation: string;
}

export interface KpiInput {
	/** All that the store holds. */
	readonly backups: readonly BackupSummary[];
	readonly drills: readonly Drill[];
	readonly now: Date;
	readonly days: number;
	readonly targets: Targets;
}

const DAY = 86_400_000;

/** The guide's figures, each from real runs and drills of the last `days` days, and of as many days before for the trend. */
export function computeKpis(input: KpiInput): Kpi[] {
	const { now, days } = input;
	const from = now.getTime() - days * DAY;
	const span = (to: number) => ({ from: to - days * DAY, to });
	const present = span(now.getTime());
	const past = span(from);
	return [rto(input, present, past), rpo(input, present, past), availability(input, present, past), size(input, past), duration(input, present, past)];
}

interface Span {
	readonly from: number;
	readonly to: number;
}

function rto({ drills, targets, days }: KpiInput, present: Span, past: Span): Kpi {
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
	return kpi('Time to recover (RTO)', targets.rtoSeconds, total(present), total(past), durationWords, `The newest restore drill of each component in the last ${days} days, one after the other. Deciding, fencing the application and switching over come on top.`);
}

function rpo({ backups, targets, days }: KpiInput, present: Span, past: Span): Kpi {
	return kpi('Data at risk (RPO)', targets.rpoSeconds, longestGap(backups, 'postgres', present), longestGap(backups, 'postgres', past), durationWords, `The longest time without a usable backup of the database beginning, in the last ${days} days, up to now. With continuous WAL archiving the loss is seconds; this counts backups alone.`);
}

/** Of usable backups, between the beginning of one and the beginning of the next; the span's own ends count where something was there before. */
function longestGap(backups: readonly BackupSummary[], component: Component, { from, to }: Span): number | null {
	const times = usableTimes(backups, component);
	const before = times.filter((time) => time < from).at(-1);
	const inside = times.filter((time) => time >= from && time < to);
	const first = before ?? inside[0];
	if (first === undefined || inside.length + (before === undefined ? 0 : 1) === 0) return null;
	let longest = 0;
	let last = first;
	for (const time of [...inside, to]) {
		longest = Math.max(longest, time - last);
		last = time;
	}
	return longest / 1000;
}

function availability({ backups, targets, days }: KpiInput, present: Span, past: Span): Kpi {
	const share = (span: Span) => {
		const times = usableTimes(backups, 'postgres');
		const start = Math.max(span.from, times[0] ?? Number.POSITIVE_INFINITY);
		if (start >= span.to) return null;
		let covered = 0;
		for (const [at, time] of times.entries()) {
			const next = times[at + 1] ?? span.to;
			covered += Math.max(0, Math.min(time + targets.rpoSeconds * 1000, next, span.to) - Math.max(time, start));
		}
		return covered / (span.to - start);
	};
	const actual = share(present);
	const before = share(past);
	return {
		name: 'Backup availability',
		target: percent(targets.availability),
		actual: actual === null ? null : percent(actual),
		before: before === null ? null : percent(before),
		trend: actual === null || before === null ? null : trendWords(before - actual, 0.0005),
		reached: actual === null ? null : actual >= targets.availability,
		explanation: `The share of the last ${days} days, since the first backup, in which the newest usable backup of the database was no older than the RPO.`,
	};
}

function size({ backups, targets, now }: KpiInput, past: Span): Kpi {
	const total = (before: number) => {
		const newest = new Map<string, number>();
		for (const backup of backups) {
			if (!isUsable(backup) || backup.kind === 'incremental' || Date.parse(backup.startedAt) >= before) continue;
			const key = `${backup.component} ${backup.kind} ${backup.source}`;
			if (!newest.has(key)) newest.set(key, backup.storedBytes);
		}
		return newest.size === 0 ? null : [...newest.values()].reduce((sum, bytes) => sum + bytes, 0);
	};
	return kpi('Size of one full backup', targets.sizeBytes, total(now.getTime()), total(past.to), sizeWords, 'The newest full backup of everything, together, as stored in one place.');
}

function duration({ backups, targets, days }: KpiInput, present: Span, past: Span): Kpi {
	const longest = ({ from, to }: Span) => {
		const durations = backups.filter((backup) => isUsable(backup) && Date.parse(backup.startedAt) >= from && Date.parse(backup.startedAt) < to).map((backup) => backup.durationSeconds);
		return durations.length === 0 ? null : Math.max(...durations);
	};
	return kpi('Longest backup', targets.durationSeconds, longest(present), longest(past), durationWords, `The longest successful run of the last ${days} days.`);
}

function kpi(name: string, target: number, actual: number | null, before: number | null, words: (value: number) => string, explanation: string): Kpi {
	return { name, target: `at most ${words(target)}`, actual: actual === null ? null : words(actual), before: before === null ? null : words(before), trend: actual === null || before === null ? null : trendWords(actual - before, before * 0.05), reached: actual === null ? null : actual <= target, explanation };
}

/** @param change above 0: for the worse */
function trendWords(change: number, within: number): string {
	return Math.abs(change) <= within ? 'about the same' : change > 0 ? 'worse than before' : 'better than before';
}

function isUsable(backup: BackupSummary): boolean {
	return backup.status === 'success' && COUNTED_KINDS.includes(backup.kind);
}

/** Ascending. */
function usableTimes(backups: readonly BackupSummary[], component: Component): number[] {
	return backups
		.filter((backup) => backup.component === component && isUsable(backup))
		.map((backup) => Date.parse(backup.startedAt))
		.sort((a, b) => a - b);
}

function percent(share: number): string {
	return `${(Math.floor(share * 100_000) / 1000).toFixed(share < 0.9995 ? 1 : 2)} %`;
}
