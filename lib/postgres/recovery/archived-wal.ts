import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import { segmentName, segmentStart, timelineName } from '../replication/wal-segment';
import { listWal, readWalRecord } from '../wal/wal-archive';
import { basebackupOf } from './chain-members';
import type { RecoveryWindow } from './options';

/** The archived log after one base backup, along one way through the timelines. */
export interface ArchivedWal {
	/** Gapless, in order; histories first. */
	readonly records: readonly WalRecord[];
	/** The timeline on which it ends. */
	readonly timeline: number;
	readonly window: RecoveryWindow;
}

/** Where a timeline left the one before it; the content of a history file. */
interface Switch {
	readonly timeline: number;
	readonly at: Lsn;
}

type Reader = (record: WalRecord) => Promise<string>;

/**
 * What of the WAL archive follows a base backup without a gap.
 * @param timeline the one to end on; null: the newest to which the base backup leads
 * @param readText reads an archived history
 */
export async function walAfter(store: Store, manifest: Manifest, timeline: number | null, readText: Reader, signal: AbortSignal): Promise<ArchivedWal> {
	const base = basebackupOf(manifest);
	const { systemIdentifier, segmentBytes } = base;
	const objects: WalRecord[] = [];
	for await (const { name, timeline: on } of listWal(store, systemIdentifier)) {
		const record = await readWalRecord(store, { name, timeline: on, systemIdentifier }, signal);
		if (record) objects.push(record);
	}
	const histories = objects.filter(({ content }) => content === 'history');
	const end = timeline ?? (await newestFrom(base.timeline, parseLsn(base.endLsn), histories, readText));
	const switches = end === base.timeline ? [] : await switchesTo(end, histories, readText);
	const way = pathFrom(base.timeline, end, switches);
	const records: WalRecord[] = histories.filter((history) => history.timeline <= end);
	let at = segmentStart(parseLsn(base.startLsn), segmentBytes);
	let on = base.timeline;
	let ends = 'nothing more is archived';
	for (const [index, leg] of way.entries()) {
		const until = way[index + 1]?.from;
		on = leg.timeline;
		// A timeline starts inside a segment, which its own copy holds from the segment's start.
		if (index > 0) at = segmentStart(leg.from, segmentBytes);
		const wal = objects.filter((record) => record.timeline === on && record.content !== 'history');
		while (until === undefined || at < until) {
			const next = longestAt(wal, at, segmentBytes);
			if (!next) break;
			records.push(next);
			at = parseLsn(next.endLsn);
		}
		if (until !== undefined && at < until) {
			ends = `${segmentName(on, at, segmentBytes)} is not archived from ${formatLsn(at)} on`;
			break;
		}
	}
	const later = objects.some((record) => record.timeline === on && record.content !== 'history' && parseLsn(record.startLsn) > at);
	if (later) ends = `${segmentName(on, at, segmentBytes)} is not archived from ${formatLsn(at)} on, and later ones are`;
	const last = records.filter(({ content }) => content !== 'history').at(-1);
	const covered = parseLsn(base.endLsn) > at ? parseLsn(base.endLsn) : at;
	return {
		records,
		timeline: on,
		window: { from: base.endedAt, to: (last && covered === at ? last.sentAt : null) ?? base.endedAt, fromLsn: base.endLsn, toLsn: formatLsn(covered), ends, gap: later },
	};
}

/** The object that holds the log at `at` and reaches farthest: a whole segment before pieces. */
function longestAt(wal: readonly WalRecord[], at: Lsn, segmentBytes: number): WalRecord | undefined {
	const holding = wal.filter(({ startLsn, endLsn }) => parseLsn(startLsn) <= at && parseLsn(endLsn) > at && segmentStart(parseLsn(startLsn), segmentBytes) === segmentStart(at, segmentBytes));
	return holding.sort((a, b) => Number(parseLsn(b.endLsn) - parseLsn(a.endLsn)))[0];
}

async function newestFrom(timeline: number, endLsn: Lsn, histories: readonly WalRecord[], readText: Reader): Promise<number> {
	for (const history of [...histories].sort((a, b) => b.timeline - a.timeline)) {
		if (history.timeline <= timeline) break;
		const left = parseHistory(await readText(history)).find((each) => each.timeline === timeline);
		if (left && left.at >= endLsn) return history.timeline;
	}
	return timeline;
}

async function switchesTo(timeline: number, histories: readonly WalRecord[], readText: Reader): Promise<Switch[]> {
	const history = histories.find((each) => each.timeline === timeline);
	if (history) return parseHistory(await readText(history));
	throw new BackupError('TARGET_UNREACHABLE', `The history of timeline ${timeline} (${timelineName(timeline)}.history) is not archived.`, 'Choose a timeline whose history is archived, or none.');
}

interface Leg {
	readonly timeline: number;
	readonly from: Lsn;
}

function pathFrom(start: number, end: number, switches: readonly Switch[]): Leg[] {
	const legs: Leg[] = [...switches, { timeline: end, at: 0n }].map(({ timeline }, index) => ({ timeline, from: switches[index - 1]?.at ?? 0n }));
	const first = legs.findIndex(({ timeline }) => timeline === start);
	if (first !== -1) return legs.slice(first);
	throw new BackupError('TARGET_UNREACHABLE', `Timeline ${end} does not descend from timeline ${start} of the base backup.`, 'Choose a base backup taken on that timeline or one before it.');
}

/** https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES */
export function parseHistory(text: string): Switch[] {
	return text
		.split('\n')
		.map((line) => /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line))
		.flatMap((match) => (match?.[1] !== undefined && match[2] !== undefined ? [{ timeline: Number(match[1]), at: parseLsn(match[2]) }] : []));
}
