import { timelineFolder } from '../../catalog/layout';
import type { WalRecord } from '../../catalog/wal-manifest';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { type Lsn, parseLsn } from '../replication/lsn';
import { timelineName } from '../replication/wal-segment';

/** In a row, without getting ahead. */
const MOST_LISTINGS = 3;

/**
 * Visits archived objects in the order of the log. While the archive grows, a piece of the segment at work goes once a larger one, or the whole segment, is
 * there: what vanished since it was listed is looked for again, and the visits go on with what holds the log from there on. Objects may overlap.
 * @param records in the order of the log
 * @param relist the records of the same stretch of the log, as it is archived now
 * @returns what was visited
 * @throws what `visit` throws for an object that is still there, or that nothing takes the place of
 */
export async function visitWal(store: Store, records: readonly WalRecord[], relist: () => Promise<readonly WalRecord[]>, visit: (record: WalRecord) => Promise<void>): Promise<WalRecord[]> {
	const visited: WalRecord[] = [];
	const pending = [...records];
	let end: Lsn | undefined;
	let listings = 0;
	for (let record = pending.shift(); record !== undefined; record = pending.shift()) {
		try {
			await visit(record);
		} catch (error) {
			if (listings === MOST_LISTINGS || !(await vanished(store, record, error))) throw error;
			listings += 1;
			pending.splice(0, pending.length, ...replacing(record, end ?? parseLsn(record.startLsn), await relist(), error));
			continue;
		}
		listings = 0;
		visited.push(record);
		if (record.content !== 'history') end = parseLsn(record.endLsn);
	}
	return visited;
}

async function vanished(store: Store, record: WalRecord, error: unknown): Promise<boolean> {
	// Whole segments and histories are not replaced.
	if (!(error instanceof BackupError) || record.content !== 'piece') return false;
	return (await store.stat(walKey(record))) === undefined;
}

/** What holds the log from `at` on. @throws `error` where nothing does */
function replacing(record: WalRecord, at: Lsn, records: readonly WalRecord[], error: unknown): WalRecord[] {
	const rest = records.filter(({ content, endLsn }) => content !== 'history' && parseLsn(endLsn) > at);
	const [first] = rest;
	if (!first || parseLsn(first.startLsn) > at || walKey(first) === walKey(record)) throw error;
	return rest;
}

/** Hands on the bytes of the log each once, whatever overlaps. */
export class EachByteOnce {
	/** @param end of what was handed on */
	constructor(
		private readonly next: (bytes: Uint8Array) => void,
		private end: Lsn = 0n,
	) {}

	/** @param from where in the log the bytes begin */
	push(bytes: Uint8Array, from: Lsn): void {
		const known = from < this.end ? Math.min(bytes.length, Number(this.end - from)) : 0;
		if (known === bytes.length) return;
		this.next(bytes.subarray(known));
		this.end = from + BigInt(bytes.length);
	}
}

/** Where the bytes of an archived object are. */
export function walKey({ systemIdentifier, timeline, artifact }: WalRecord): string {
	return timelineFolder(systemIdentifier, timelineName(timeline)) + artifact.name;
}

/** Repeats once, from listing the archive on, what found that an object had vanished since it was listed. @param forget told before that */
export async function withFreshListing<T>(read: () => Promise<T>, forget: () => void = () => undefined): Promise<T> {
	try {
		return await read();
	} catch (error) {
		if (!(error instanceof BackupError) || error.code !== 'OBJECT_NOT_FOUND') throw error;
		forget();
		return await read();
	}
}
