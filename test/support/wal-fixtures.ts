import type { BasebackupDetails } from '../../lib/catalog/basebackup-manifest';
import type { Manifest } from '../../lib/catalog/manifest';
import type { WalFacts } from '../../lib/catalog/wal-manifest';
import { NO_KEYS } from '../../lib/core/keys';
import { formatLsn } from '../../lib/postgres/replication/lsn';
import { historyName, segmentName, segmentStart } from '../../lib/postgres/replication/wal-segment';
import { pieceName, writeWal } from '../../lib/postgres/wal/wal-archive';
import type { Store } from '../../lib/storage/store';
import { idAt, publishSmall } from './backup-fixtures';
import { chunks } from './bytes';

/** Small segments of made-up bytes: what their names and records say is what the tests are about. */
export const MEGABYTE = 1024 * 1024;
export const SYSTEM = '7100000000000000001';

export const NEVER_ABORTED = new AbortController().signal;
const options = { keys: NO_KEYS, compressionLevel: 1, signal: NEVER_ABORTED };

/** The LSN of a place in megabytes. */
export const mb = (megabytes: number): bigint => BigInt(Math.round(megabytes * MEGABYTE));

/** Minutes after 2026-11-22T00:00Z. */
export const minute = (minutes: number): string => new Date(Date.UTC(2026, 10, 22) + minutes * 60_000).toISOString();

interface PartOptions {
	readonly timeline?: number;
	/** Minute of its last commit; null: none. */
	readonly commit?: number | null;
	/** Minute at which its last byte was sent. */
	readonly sent?: number;
	readonly bytes?: string;
	readonly keys?: typeof NO_KEYS;
	/** Restore points by the megabyte at which their record ends. */
	readonly points?: Readonly<Record<string, number>>;
	/** Archived without being read. */
	readonly unread?: boolean;
}

/** Archives the log from `from` to `to` megabytes, as whole segments and pieces, each under its own record. */
export async function archive(store: Store, from: number, to: number, { timeline = 1, commit, sent, bytes, points = {}, unread = false }: PartOptions = {}): Promise<void> {
	for (let at = mb(from); at < mb(to); ) {
		const segment = segmentStart(at, MEGABYTE);
		const end = segment + mb(1) < mb(to) ? segment + mb(1) : mb(to);
		const file = segmentName(timeline, segment, MEGABYTE);
		const whole = at === segment && end === segment + mb(1);
		const name = whole ? file : pieceName(file, Number(at - segment), Number(end - segment));
		const minutes = Number(end) / MEGABYTE;
		const last = commit === undefined ? minutes : commit;
		await writeWal(store, name, chunks(bytes ?? name), facts(file, whole ? 'segment' : 'piece', { timeline, at, end, last, sent: sent ?? minutes, points, unread }), options);
		at = end;
	}
}

function facts(file: string, content: WalFacts['content'], { timeline, at, end, last, sent, points = {}, unread = false }: { timeline: number; at: bigint; end: bigint; last: number | null; sent: number } & Pick<PartOptions, 'points' | 'unread'>): WalFacts {
	const inside = Object.entries(points).flatMap(([name, place]) => (mb(place) > at && mb(place) <= end ? [{ name, at: minute(place), lsn: formatLsn(mb(place)) }] : []));
	const commitAt = last === null ? null : minute(last);
	return {
		content,
		systemIdentifier: SYSTEM,
		timeline,
		file,
		startLsn: formatLsn(at),
		endLsn: formatLsn(end),
		segmentBytes: MEGABYTE,
		serverMajor: 15,
		archivedAt: minute(sent),
		sentAt: minute(sent),
		...(content !== 'history' && !unread && { times: { firstCommitAt: commitAt, lastCommitAt: commitAt, commits: last === null ? 0 : 1, restorePoints: inside } }),
	};
}

/** Archives a timeline's history: its ancestors and, in megabytes, where each was left. */
export async function archiveHistory(store: Store, timeline: number, ancestors: readonly (readonly [timeline: number, at: number])[]): Promise<void> {
	const text = ancestors.map(([of, at]) => `${of}\t${formatLsn(mb(at))}\tno recovery target specified\n`).join('');
	await writeWal(store, historyName(timeline), chunks(text), facts(historyName(timeline), 'history', { timeline, at: 0n, end: 0n, last: null, sent: 0 }), options);
}

/** What a base backup says that began at `from` and ended at `to` megabytes; a minute is a megabyte. */
export function baseDetailsOf(from: number, to: number, timeline = 1): BasebackupDetails {
	return {
		systemIdentifier: SYSTEM,
		serverVersionNumber: 150014,
		timeline,
		startLsn: formatLsn(mb(from)),
		endLsn: formatLsn(mb(to)),
		beganAt: minute(from),
		endedAt: minute(to),
		segmentBytes: MEGABYTE,
		blockBytes: 8192,
		pageChecksums: true,
		files: { count: 1, bytes: 5 },
		tablespaces: [],
		databases: [],
	};
}

/** A published base backup of the server. */
export async function publishBase(store: Store, from: number, to: number, { timeline = 1, parent = null }: { timeline?: number; parent?: string | null } = {}): Promise<Manifest> {
	const kind = parent === null ? ('base' as const) : ('incremental' as const);
	return await publishSmall(store, { id: idAt(minute(from), kind), kind, parent, startedAt: minute(from), finishedAt: minute(to), basebackup: baseDetailsOf(from, to, timeline) });
}
