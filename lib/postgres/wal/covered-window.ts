import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, parseLsn } from '../replication/lsn';
import { type WalIndex, type WalPart } from './archive-index';
import { microseconds, serverTimestamp, serverTimeText } from './server-time';
import { readWalRecord } from './wal-archive';
import { followWal, type WalPath } from './wal-path';

/** From when to when a base backup and the log after it lead. Both times by the server's clock. */
export interface CoveredWindow {
	readonly from: string;
	/**
	 * Everything committed before it can be recovered; null: nothing of the log says. After the last commit and up to here the
	 * data is that of "latest": PostgreSQL stops at a time only where a later commit shows that it has passed.
	 */
	readonly to: string | null;
	/** A time before this is found by recovery itself; null: no commit is known. */
	readonly lastCommitAt: string | null;
	readonly fromLsn: string;
	readonly toLsn: string;
	readonly timeline: number;
	/** Why it ends there. */
	readonly ends: string;
}

/** What the log leads to. A time is one with an offset. */
export type WalTarget = { readonly by: 'latest' } | { readonly by: 'lsn'; readonly lsn: string } | { readonly by: 'time'; readonly time: string };

/**
 * The server looks how far its log is, and then writes the moment of sending: what was committed in between is younger than that moment
 * by a hair, and not in what it sent. This much is kept clear of it.
 */
const SENDING_MICROSECONDS = 250_000n;

/** Reads at once; enough to hide a bucket's latency. */
const PARALLEL = 16;

/** The details of a physical backup. @throws BackupError `INVALID_INPUT` for another kind */
export function baseDetails({ id, basebackup }: Manifest): BasebackupDetails {
	if (basebackup) return basebackup;
	throw new BackupError('INVALID_INPUT', `Backup ${id} is no base backup.`, 'Choose a backup of the kind base or incremental.');
}

/** The archived log after a base backup. @param timeline the one to end on; null: the newest that descends from it */
export function walAfter(index: WalIndex, base: BasebackupDetails, timeline: number | null): WalPath {
	return followWal(index, { timeline: base.timeline, startLsn: parseLsn(base.startLsn), endLsn: parseLsn(base.endLsn) }, timeline);
}

/** What a base backup and the archived log cover; reads as few records as tell it. @throws BackupError `MANIFEST_INVALID`, or the store's error */
export async function coveredWindow(store: Store, index: WalIndex, base: BasebackupDetails, path: WalPath, { signal }: Pick<JobContext, 'signal'>): Promise<CoveredWindow> {
	const endLsn = parseLsn(base.endLsn);
	const common = { from: base.endedAt, fromLsn: base.endLsn, ends: path.ends };
	// What makes it consistent is inside the backup, so that it stands alone.
	if (path.end <= endLsn) return { ...common, to: base.endedAt, lastCommitAt: null, toLsn: base.endLsn, timeline: base.timeline };
	let to: string | null | undefined;
	let lastCommitAt: string | null = null;
	for (let at = path.parts.length - 1; at >= 0 && lastCommitAt === null; at--) {
		const part = path.parts[at] as WalPart;
		if (part.end <= endLsn) break;
		const record = await recordOf(store, index, part, signal);
		if (to === undefined) to = record.sentAt;
		lastCommitAt = record.times?.lastCommitAt ?? null;
		if (record.times === undefined) break;
	}
	// Records of an older archive may lack the one, never both in what streams.
	// Where later log is archived, the server had more to send than this: what is missing may be older than the moment of sending.
	const upToDate = path.gap === null && to ? latest(serverTimeText(serverTimestamp(to) - SENDING_MICROSECONDS), lastCommitAt) : null;
	return { ...common, to: upToDate ?? lastCommitAt, lastCommitAt, toLsn: formatLsn(path.end), timeline: path.timeline };
}

/**
 * The records of all that recovery to `target` will ask for, in the order of the log: histories, then segments and pieces. For a time those up to
 * the first that holds a later commit; one more than an LSN needs, because records cross from one segment into the next.
 */
export async function walFor(store: Store, index: WalIndex, path: WalPath, target: WalTarget, { signal }: Pick<JobContext, 'signal'>): Promise<WalRecord[]> {
	const records: WalRecord[] = [];
	for (const object of index.historyObjects) if (object.timeline <= path.timeline) records.push(await recordOf(store, index, object, signal));
	const limit = target.by === 'lsn' ? parseLsn(target.lsn) + BigInt(index.segmentBytes) : undefined;
	const wanted = limit === undefined ? path.parts : path.parts.filter(({ start }) => start <= limit);
	for (let at = 0; at < wanted.length; at += PARALLEL) {
		const batch = await Promise.all(wanted.slice(at, at + PARALLEL).map(async (part) => await recordOf(store, index, part, signal)));
		records.push(...batch);
		if (target.by !== 'time') continue;
		const time = microseconds(target.time);
		const reached = batch.findIndex(({ times }) => times?.lastCommitAt != null && microseconds(times.lastCommitAt) > time);
		// One more: what is found there may end in the next.
		if (reached >= 0 && reached + 1 < batch.length) return records.slice(0, records.length - batch.length + reached + 2);
	}
	return records;
}

async function recordOf(store: Store, { systemIdentifier }: WalIndex, object: Pick<WalPart, 'name' | 'timeline' | 'recordKey'>, signal: AbortSignal): Promise<WalRecord> {
	const record = await readWalRecord(store, { name: object.name, timeline: object.timeline, systemIdentifier }, signal);
	if (record) return record;
	throw new BackupError('OBJECT_NOT_FOUND', `${object.recordKey} vanished from the store (${store.description}) just now.`, 'The archive is being pruned, or the segment was completed meanwhile. Run the job again.');
}

function latest(one: string, other: string | null): string {
	return other !== null && microseconds(other) > microseconds(one) ? other : one;
}
