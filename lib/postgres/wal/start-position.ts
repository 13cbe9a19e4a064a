import { walkBackups } from '../../catalog/list-backups';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import { segmentStart, timelineName } from '../replication/wal-segment';
import type { WalIndex } from './archive-index';
import { legsTo, type TimelineSwitch } from './timeline-history';

/** Where archiving may go on. */
export interface StartPosition {
	readonly timeline: number;
	/** The start of a segment. */
	readonly start: Lsn;
	/** What stays missing before it; null: nothing. */
	readonly gap: { readonly from: Lsn; readonly to: Lsn } | null;
}

export interface ServerPosition {
	/** The one that it writes, and the ancestors of that. */
	readonly timeline: number;
	readonly history: readonly TimelineSwitch[];
	/** Where the slot holds the log from. */
	readonly slotLsn: Lsn;
	readonly segmentBytes: number;
}

/**
 * Where archiving may start, the best first: the server may have removed the log of one, and then the next is tried. What comes after
 * a gap is of use only with a base backup after it, and is offered only where there is one.
 * @param bases where the base backups of this server start
 * @throws BackupError `WAL_CONFLICT` when the archive is on a timeline that this server does not come from
 */
export function startPositions(index: WalIndex, bases: readonly Lsn[], server: ServerPosition): StartPosition[] {
	const { segmentBytes } = server;
	const legs = legsTo(server.timeline, server.history);
	const timelineOf = (lsn: Lsn): number => legs.find(({ to }) => to === undefined || lsn < to)?.timeline ?? server.timeline;
	const slotStart = segmentStart(server.slotLsn, segmentBytes);
	const fromSlot = { timeline: timelineOf(server.slotLsn), start: slotStart };
	const resumed = resumedPositions(index, legs, server);
	const [first] = resumed;
	if (!first) {
		// A base backup older than the slot: the server may still have the log since.
		const newest = bases.filter((lsn) => lsn < slotStart).reduce<Lsn | undefined>((last, lsn) => (last === undefined || lsn > last ? lsn : last), undefined);
		if (newest === undefined) return [{ ...fromSlot, gap: null }];
		const start = segmentStart(newest, segmentBytes);
		return [{ timeline: timelineOf(newest), start, gap: null }, { ...fromSlot, gap: start < slotStart ? { from: start, to: slotStart } : null }];
	}
	const covered = bases.some((lsn) => lsn >= slotStart && lsn >= first.start);
	return slotStart > first.start && covered ? [...resumed, { ...fromSlot, gap: { from: first.start, to: slotStart } }] : resumed;
}

/** Where the archive ends, on the way of the server's history. */
function resumedPositions(index: WalIndex, legs: ReturnType<typeof legsTo>, server: ServerPosition): StartPosition[] {
	const newest = Math.max(0, ...index.parts.keys());
	if (newest === 0) return [];
	const at = legs.findIndex(({ timeline }) => timeline === newest);
	const leg = legs[at];
	if (!leg) {
		throw new BackupError(
			'WAL_CONFLICT',
			`The archive has the log of timeline ${newest} (${timelineName(newest)}), and the server, which is on timeline ${server.timeline}, does not come from it.`,
			'An older copy of the server runs, or another one was promoted from the same origin. Find out which counts. Nothing was overwritten. Archive this one into a store, or a folder prefix, of its own, and take a new base backup of it.',
		);
	}
	const parts = index.parts.get(newest) ?? [];
	const end = parts.filter(({ whole }) => whole).reduce<Lsn>((last, part) => (part.end > last ? part.end : last), 0n);
	// Only pieces so far: from the start of their segment.
	const start = end > 0n ? end : segmentStart(parts[0]?.start ?? leg.from, server.segmentBytes);
	const next = legs[at + 1];
	if (leg.to === undefined || !next) return [{ timeline: newest, start, gap: null }];
	// The next timeline's first segment begins with a copy of this one's.
	const shared = { timeline: next.timeline, start: segmentStart(leg.to, server.segmentBytes), gap: null };
	if (start >= leg.to) return [shared];
	return [{ timeline: newest, start, gap: null }, ...(start >= shared.start ? [shared] : [])];
}

/** Where the base backups of a server in the store start. */
export async function baseStarts(store: Store, systemIdentifier: string): Promise<Lsn[]> {
	const starts: Lsn[] = [];
	for await (const { manifest } of walkBackups(store, { component: 'postgres', kinds: ['base', 'incremental'] })) {
		if (manifest?.basebackup?.systemIdentifier === systemIdentifier) starts.push(parseLsn(manifest.basebackup.startLsn));
	}
	return starts;
}

/** The error when the server has removed what would come next. */
export function gapError(first: StartPosition, slot: string, store: Store): BackupError {
	return new BackupError(
		'WAL_GAP',
		`The server has removed the log that follows the archive in the store (${store.description}): from ${formatLsn(first.start)} on timeline ${first.timeline}.`,
		`Take a new base backup of the server now (Postgres Basebackup, Full) into this store; archiving then goes on by itself, because the slot "${slot}" keeps the log from now on. Until then no later point in time can be recovered. The slot was dropped, or fell behind further than max_slot_wal_keep_size allows.`,
	);
}
