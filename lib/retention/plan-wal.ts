import { formatLsn, type Lsn } from '../postgres/replication/lsn';
import { segmentStart } from '../postgres/replication/wal-segment';
import type { WalIndex, WalPart } from '../postgres/wal/archive-index';
import { type Leg, legsTo } from '../postgres/wal/timeline-history';

/** A physical backup of the server, as far as its WAL depends on it. */
export interface WalBase {
	readonly id: string;
	readonly timeline: number;
	readonly startLsn: Lsn;
	/** It is consistent from here on. */
	readonly endLsn: Lsn;
	readonly endedAt: Date;
	/** It can be restored: undamaged, and so is everything it needs. Others are never counted on, and keep what they need all the same. */
	readonly restorable: boolean;
	/** A running job reads it. */
	readonly inUse: boolean;
}

export interface WalPlanInput {
	readonly index: WalIndex;
	readonly bases: readonly WalBase[];
	/** Physical backups whose manifest cannot be read: nobody knows what they need. */
	readonly unreadable: readonly string[];
	/** How far back a point in time must stay reachable. */
	readonly windowHours: number;
	readonly now: Date;
}

export interface WalDecision {
	readonly part: WalPart;
	readonly action: 'keep' | 'delete';
	readonly reason: string;
}

const HOUR_MS = 3_600_000;

/**
 * Decides from the archive's names and the base backups alone which WAL may go: what lies before the newest base backup that ended
 * before the window, on every timeline that is still of use. Never what a base backup needs between its start and its end, never
 * what a running job may read, nothing while anything is not certain. The window ends where the archive does, so that an archive
 * that nobody feeds any more does not shrink.
 * @returns one decision for each part, in the order of the index
 */
export function planWal(input: WalPlanInput): WalDecision[] {
	const parts = [...input.index.parts.values()].flat();
	const uncertain = whyUncertain(input);
	if (uncertain !== undefined) return parts.map((part) => ({ part, action: 'keep', reason: uncertain }));
	const rules = [...replacedRules(input), ...inUseRules(input), ...timelineRules(input), ...baseRules(input), youngRule(input)];
	return parts.map((part) => {
		for (const rule of rules) {
			const decided = rule(part);
			if (decided) return { part, ...decided };
		}
		return { part, action: 'delete', reason: `older than the window of ${input.windowHours} hours, and no base backup needs it` };
	});
}

/** The first rule that decides wins. */
type Rule = (part: WalPart) => Omit<WalDecision, 'part'> | undefined;

function keepIf(reason: string, applies: (part: WalPart) => boolean): Rule {
	return (part) => (applies(part) ? { action: 'keep', reason } : undefined);
}

function whyUncertain({ bases, unreadable }: WalPlanInput): string | undefined {
	const [first] = unreadable;
	if (first !== undefined) return `the manifest of backup ${first}, which may need it, cannot be read: look at it by hand, then repair or delete its folder`;
	return bases.length === 0 ? 'there is no base backup of this server in the store' : undefined;
}

/** Pieces are of no use once their whole segment is there; a job that began an hour ago may still read them. */
function replacedRules({ index, now }: WalPlanInput): Rule[] {
	const whole = new Set<string>();
	for (const part of [...index.parts.values()].flat()) {
		if (part.whole && part.archivedAt.getTime() < now.getTime() - HOUR_MS) whole.add(`${part.timeline}/${part.segment}`);
	}
	return [(part) => (!part.whole && whole.has(`${part.timeline}/${part.segment}`) ? { action: 'delete', reason: 'its whole segment is archived' } : undefined)];
}

function inUseRules({ bases, index }: WalPlanInput): Rule[] {
	return bases.filter(({ inUse }) => inUse).map(({ id, startLsn }) => keepIf(`a running job uses base backup ${id}, which comes before it`, ({ end }) => end > segmentStart(startLsn, index.segmentBytes)));
}

/** What makes a base backup consistent; on every timeline, because after a promotion the new one's copies serve as well. */
function baseRules({ bases, index }: WalPlanInput): Rule[] {
	return bases.map(({ id, startLsn, endLsn }) => keepIf(`base backup ${id} needs it to be consistent`, ({ start, end }) => end > segmentStart(startLsn, index.segmentBytes) && start <= endLsn));
}

function youngRule({ now, windowHours }: WalPlanInput): Rule {
	return keepIf(`archived within the last ${windowHours} hours`, ({ archivedAt }) => archivedAt.getTime() >= now.getTime() - windowHours * HOUR_MS);
}

/** For each timeline of use, the log that leads to it from the newest base backup before the window. */
function timelineRules(input: WalPlanInput): Rule[] {
	return timelinesOfUse(input).flatMap((timeline) => {
		const { index, windowHours } = input;
		const closed = whyClosed(index, timeline);
		if (closed !== undefined) return [keepIf(closed, () => true)];
		const { base, before } = firstOf(timeline, input);
		const legs = legsTo(timeline, index.histories.get(timeline) ?? []);
		if (!base) return legRules(`no base backup that leads to timeline ${timeline} can be restored`, undefined, legs, index);
		if (before) return legRules(`it follows ${base.id}, the newest base backup that ended before the window of ${windowHours} hours`, base, legs, index);
		return legRules(`no base backup ended before the window of ${windowHours} hours, and this follows the oldest, ${base.id}`, base, legs, index);
	});
}

/**
 * The base backups that the window needs, each with the reason: that with which it begins, without which the WAL that is kept for it would lead nowhere in its first
 * part, and those inside it, from which it goes on where WAL is missing. Where nobody can tell, all of them.
 */
export function windowBases(input: WalPlanInput): Map<string, string> {
	const { index, bases, windowHours } = input;
	const found = new Map<string, string>();
	if ([...index.parts.values()].flat().length === 0) return found;
	for (const timeline of timelinesOfUse(input)) {
		const closed = whyClosed(index, timeline);
		if (closed !== undefined) return new Map(bases.map(({ id }) => [id, closed]));
		const { base, before, inside } = firstOf(timeline, input);
		for (const { id } of inside) found.set(id, `inside the WAL window of ${windowHours} hours`);
		if (base) found.set(base.id, before ? `with it begins the WAL window of ${windowHours} hours` : `the WAL window of ${windowHours} hours is not filled yet, and this is the oldest that it has`);
	}
	return found;
}

function timelinesOfUse({ index, bases, now, windowHours }: WalPlanInput): number[] {
	const timelines = [...new Set([...index.parts.keys(), ...index.histories.keys(), ...index.closedHistories, ...bases.map(({ timeline }) => timeline)])];
	const newest = Math.max(...timelines);
	const since = now.getTime() - windowHours * HOUR_MS;
	return timelines.filter((timeline) => timeline === newest || newestOf(index.parts.get(timeline) ?? []) >= since);
}

/** In milliseconds; -Infinity of none. */
function newestOf(parts: readonly WalPart[]): number {
	return parts.reduce((newest, { archivedAt }) => Math.max(newest, archivedAt.getTime()), -Infinity);
}

/** Why it is unknown what leads to a timeline. */
function whyClosed(index: WalIndex, timeline: number): string | undefined {
	if (index.histories.has(timeline) || timeline === 1 || isFirst(index, timeline)) return undefined;
	return `the history of timeline ${timeline} is ${index.closedHistories.has(timeline) ? 'encrypted, and there is no key to read it' : 'not archived'}, so what leads there is unknown`;
}

/** The newest base backup on the way to a timeline that ended before its window, or else the oldest, and those that ended inside. */
function firstOf(timeline: number, { index, bases, now, windowHours }: WalPlanInput): { readonly base: WalBase | undefined; readonly before: boolean; readonly inside: readonly WalBase[] } {
	const last = newestOf(index.parts.get(timeline) ?? []);
	// Where a timeline has nothing archived yet, its window ends with the archive.
	const asOf = Math.min(now.getTime(), Number.isFinite(last) ? last : newestOf([...index.parts.values()].flat()));
	const legs = legsTo(timeline, index.histories.get(timeline) ?? []);
	const onWay = newestLast(bases.filter((base) => base.restorable && legs.some((leg) => leg.timeline === base.timeline && (leg.to === undefined || base.endLsn <= leg.to))));
	const begin = onWay.filter(({ endedAt }) => endedAt.getTime() <= asOf - windowHours * HOUR_MS).at(-1);
	return { base: begin ?? onWay[0], before: begin !== undefined, inside: onWay.filter(({ endedAt }) => endedAt.getTime() > asOf - windowHours * HOUR_MS) };
}

/** Whether nothing older than this timeline was ever archived: then nothing of it can be lost. */
function isFirst(index: WalIndex, timeline: number): boolean {
	return !index.closedHistories.has(timeline) && [...index.parts.keys()].every((other) => other >= timeline);
}

function legRules(reason: string, base: WalBase | undefined, legs: readonly Leg[], { segmentBytes }: WalIndex): Rule[] {
	const from = base === undefined ? 0n : segmentStart(base.startLsn, segmentBytes);
	return [keepIf(reason, (part) => part.end > from && legs.some(({ timeline, to }) => part.timeline === timeline && (to === undefined || part.start < to)))];
}

function newestLast(bases: readonly WalBase[]): WalBase[] {
	return [...bases].sort((a, b) => a.endedAt.getTime() - b.endedAt.getTime());
}

/** Decisions about neighbours in the log that say the same, as one line for people. */
export interface WalSpan {
	readonly timeline: number;
	readonly fromLsn: string;
	readonly toLsn: string;
	readonly objects: number;
	readonly action: 'keep' | 'delete';
	readonly reason: string;
}

export function spansOf(decisions: readonly WalDecision[]): WalSpan[] {
	const spans: WalSpan[] = [];
	let end: Lsn = 0n;
	for (const { part, action, reason } of decisions) {
		const last = spans.at(-1);
		const goesOn = last?.timeline === part.timeline && last.action === action && last.reason === reason && part.start <= end;
		end = goesOn && end > part.end ? end : part.end;
		const one = { timeline: part.timeline, toLsn: formatLsn(end), action, reason };
		if (goesOn) spans.splice(-1, 1, { ...one, fromLsn: last.fromLsn, objects: last.objects + 1 });
		else spans.push({ ...one, fromLsn: formatLsn(part.start), objects: 1 });
	}
	return spans;
}
