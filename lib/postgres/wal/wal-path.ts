import { BackupError } from '../../core/errors';
import { formatLsn, type Lsn } from '../replication/lsn';
import { historyName, segmentName, segmentStart } from '../replication/wal-segment';
import type { WalIndex, WalPart } from './archive-index';
import { type Leg, legsTo } from './timeline-history';

/** Where replaying starts: a base backup. */
export interface PathStart {
	readonly timeline: number;
	readonly startLsn: Lsn;
	readonly endLsn: Lsn;
}

/** The archived log from a base backup on, as far as it goes without a gap. */
export interface WalPath {
	/** In the order of the log; pieces of one segment follow each other. */
	readonly parts: readonly WalPart[];
	/** Where the log ends, or is interrupted. */
	readonly end: Lsn;
	readonly timeline: number;
	/** What comes after it is archived, but not what is there. */
	readonly gap: { readonly segment: string; readonly at: Lsn } | null;
	/** Why it ends there, to complete "it ends because …". */
	readonly ends: string;
}

/**
 * Follows the archive from a base backup through the timelines, which is what a server that recovers will ask for.
 * @param end the timeline to end on; null: the newest that descends from the base backup
 * @throws BackupError `TARGET_UNREACHABLE` when that timeline's history is not archived, or does not lead there
 */
export function followWal(index: WalIndex, start: PathStart, end: number | null): WalPath {
	const legs = legsFrom(index, start, end ?? newestTimeline(index, start));
	const bySegment = new Map(legs.map(({ timeline }) => [timeline, groupedBySegment(index.parts.get(timeline) ?? [])]));
	const parts: WalPart[] = [];
	let at = segmentStart(start.startLsn, index.segmentBytes);
	for (;;) {
		const next = partAt(index, legs, bySegment, at);
		if (!next) break;
		parts.push(next);
		at = next.end;
	}
	const missing = segmentName(legs.findLast(({ from }) => segmentStart(from, index.segmentBytes) <= at)?.timeline ?? start.timeline, at, index.segmentBytes);
	const later = legs.some(({ timeline, to }) => (index.parts.get(timeline) ?? []).some((part) => part.start > at && (to === undefined || part.end <= to)));
	return {
		parts,
		end: at,
		timeline: parts.at(-1)?.timeline ?? start.timeline,
		gap: later ? { segment: missing, at } : null,
		ends: later ? `${missing} is missing from ${formatLsn(at)} on, though later ones are archived` : parts.length === 0 ? `${missing}, with which it would begin, is not archived` : 'nothing later is archived',
	};
}

/** The newest timeline that left the base backup's one after the end of the backup, as recovery_target_timeline = 'latest' chooses. */
function newestTimeline({ histories }: WalIndex, { timeline, endLsn }: PathStart): number {
	let newest = timeline;
	for (const [candidate, history] of histories) {
		const left = history.find((each) => each.timeline === timeline);
		if (candidate > newest && left && left.at >= endLsn) newest = candidate;
	}
	return newest;
}

function legsFrom(index: WalIndex, { timeline, endLsn }: PathStart, end: number): Leg[] {
	if (end === timeline) return [{ timeline, from: 0n }];
	const history = index.histories.get(end);
	if (!history) {
		throw new BackupError('TARGET_UNREACHABLE', `${historyName(end)} is not in the archive, or cannot be read.`, 'Choose a timeline whose history is archived, or none: then the newest is followed.');
	}
	const legs = legsTo(end, history);
	const first = legs.findIndex((leg) => leg.timeline === timeline);
	const leg = legs[first];
	if (!leg || (leg.to !== undefined && leg.to < endLsn)) {
		throw new BackupError('TARGET_UNREACHABLE', `Timeline ${end} does not come from timeline ${timeline} after the base backup ended at ${formatLsn(endLsn)}.`, 'Choose a base backup that was taken on its way.');
	}
	return legs.slice(first);
}

/**
 * What holds the byte at `at` and reaches farthest. The newest timeline first, as PostgreSQL does: its own copy of the segment in which it
 * began holds what came before, while the segment of the timeline that was left may go on with what never happened on this one.
 */
function partAt(index: WalIndex, legs: readonly Leg[], bySegment: ReadonlyMap<number, ReadonlyMap<Lsn, WalPart[]>>, at: Lsn): WalPart | undefined {
	const segment = segmentStart(at, index.segmentBytes);
	for (const { timeline, from, to } of [...legs].reverse()) {
		if (segmentStart(from, index.segmentBytes) > segment || (to !== undefined && to <= segment)) continue;
		const fitting = (bySegment.get(timeline)?.get(segment) ?? []).filter((part) => part.start <= at && part.end > at && (to === undefined || part.end <= to));
		const [first, ...others] = fitting;
		if (first) return others.reduce((best, part) => (part.end > best.end ? part : best), first);
	}
	return undefined;
}

function groupedBySegment(parts: readonly WalPart[]): Map<Lsn, WalPart[]> {
	const groups = new Map<Lsn, WalPart[]>();
	for (const part of parts) {
		const group = groups.get(part.segment);
		if (group) group.push(part);
		else groups.set(part.segment, [part]);
	}
	return groups;
}
