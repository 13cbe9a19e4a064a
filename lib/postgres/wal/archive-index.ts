import { BackupError } from '../../core/errors';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { type Lsn, parseLsn } from '../replication/lsn';
import { HISTORY_NAME, historyName, readSegmentName, SEGMENT_NAME } from '../replication/wal-segment';
import { parseHistory, type TimelineSwitch } from './timeline-history';
import { listWal, readWal, readWalRecord, type WalObject } from './wal-archive';

/** A segment of the archive, or a piece of one, as its name tells it. */
export interface WalPart extends WalObject {
	readonly start: Lsn;
	/** Exclusive. */
	readonly end: Lsn;
	/** Where its segment starts. */
	readonly segment: Lsn;
	readonly whole: boolean;
}

/** What is archived of one server. */
export interface WalIndex {
	readonly systemIdentifier: string;
	readonly segmentBytes: number;
	/** By timeline, in the order of the log; of one segment the whole one comes first. */
	readonly parts: ReadonlyMap<number, readonly WalPart[]>;
	/** Ancestors of the timelines whose history is archived; the first timeline has none. */
	readonly histories: ReadonlyMap<number, readonly TimelineSwitch[]>;
	readonly historyObjects: readonly WalObject[];
	/** Timelines whose history is archived, encrypted, and cannot be read without a key. */
	readonly closedHistories: ReadonlySet<number>;
}

type Reading = Pick<JobContext, 'keys' | 'signal'>;

const PIECE = /^([0-9A-F]{24})\.from-([0-9A-F]{1,8})-to-([0-9A-F]{1,8})$/;
/** Nobody's server was promoted so often; a history is not read into memory without a bound. */
const LONGEST_HISTORY = 1024 * 1024;

/**
 * Lists the archive of one server. The names of objects say which bytes of the log they hold, so that only histories are read:
 * an archive of a hundred thousand segments is known after listing it.
 * @throws BackupError `MANIFEST_INVALID` for a history whose record cannot be used, `ARTIFACT_DAMAGED`, `KEY_WRONG`, or the store's error
 */
export async function readWalIndex(store: Store, server: Pick<WalIndex, 'systemIdentifier' | 'segmentBytes'>, reading: Reading): Promise<WalIndex> {
	const parts = new Map<number, WalPart[]>();
	const historyObjects: WalObject[] = [];
	for await (const object of listWal(store, server.systemIdentifier)) {
		if (HISTORY_NAME.test(object.name)) {
			if (object.name === historyName(object.timeline)) historyObjects.push(object);
			continue;
		}
		const part = partOf(object, server.segmentBytes);
		if (!part) continue;
		const of = parts.get(object.timeline);
		if (of) of.push(part);
		else parts.set(object.timeline, [part]);
	}
	for (const of of parts.values()) of.sort((a, b) => compare(a.segment, b.segment) || Number(b.whole) - Number(a.whole) || compare(a.start, b.start) || compare(b.end, a.end));
	const histories = new Map<number, readonly TimelineSwitch[]>();
	const closedHistories = new Set<number>();
	for (const object of historyObjects) {
		const switches = await readHistory(store, object, server.systemIdentifier, reading);
		if (switches === 'closed') closedHistories.add(object.timeline);
		else if (switches) histories.set(object.timeline, switches);
	}
	return { ...server, parts, histories, historyObjects, closedHistories };
}

/** What an object holds; undefined for what is no segment of this size, nor a piece of one. */
export function partOf(object: WalObject, segmentBytes: number): WalPart | undefined {
	const [, file = object.name, from, to] = PIECE.exec(object.name) ?? [];
	if (!SEGMENT_NAME.test(file)) return undefined;
	const named = readSegmentName(file, segmentBytes);
	if (named?.timeline !== object.timeline) return undefined;
	const segment = named.start;
	if (from === undefined || to === undefined) return { ...object, segment, start: segment, end: segment + BigInt(segmentBytes), whole: true };
	const [first, last] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
	if (first >= last || last > segmentBytes) return undefined;
	return { ...object, segment, start: segment + BigInt(first), end: segment + BigInt(last), whole: false };
}

async function readHistory(store: Store, { name, timeline }: WalObject, systemIdentifier: string, reading: Reading): Promise<TimelineSwitch[] | 'closed' | undefined> {
	const record = await readWalRecord(store, { name, timeline, systemIdentifier }, reading.signal);
	if (!record) return undefined;
	// An archive that is encrypted is pruned and listed without its key.
	if (record.switches) return record.switches.map(({ timeline: of, lsn }) => ({ timeline: of, at: parseLsn(lsn) }));
	try {
		return parseHistory(await textOf(store, record, reading));
	} catch (error) {
		if (error instanceof BackupError && error.code === 'KEY_MISSING') return 'closed';
		throw error;
	}
}

async function textOf(store: Store, record: WalRecord, reading: Reading): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of readWal(store, record, reading)) {
		bytes += chunk.length;
		if (bytes > LONGEST_HISTORY) throw new BackupError('ARTIFACT_DAMAGED', `${record.artifact.name} of the WAL archive is larger than any history.`, 'Bring it back from another copy of the store.');
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString('utf8');
}

function compare(a: Lsn, b: Lsn): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
