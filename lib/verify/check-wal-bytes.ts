import { hasKeyFor } from '../backup/artifact-keys';
import type { BasebackupDetails } from '../catalog/basebackup-manifest';
import type { WalRecord, WalTimes } from '../catalog/wal-manifest';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import { ByteMeter } from '../pipeline/byte-meter';
import { formatLsn, parseLsn } from '../postgres/replication/lsn';
import { segmentStart } from '../postgres/replication/wal-segment';
import type { WalIndex } from '../postgres/wal/archive-index';
import { EachByteOnce, visitWal, walKey } from '../postgres/wal/visit-wal';
import { readWal, readWalRecord } from '../postgres/wal/wal-archive';
import type { WalPath } from '../postgres/wal/wal-path';
import { WalWalker } from '../postgres/wal/walk-records';
import type { Store } from '../storage/store';

/** Reads at once; enough to hide a bucket's latency. */
const PARALLEL = 16;

export interface CheckedBytes {
	readonly storedBytes: number;
	/** Encrypted ones without a key: compared as they are stored. */
	readonly unopened: number;
	/** Of what was walked. */
	readonly times: WalTimes | null;
}

/**
 * The records of a path, each compared with its name, and its object's size with what it says.
 * @throws BackupError `WAL_GAP` for an object that is missing, `ARTIFACT_DAMAGED` for one of another size, `MANIFEST_INVALID`, or the store's error
 */
export async function checkWalRecords(store: Store, index: WalIndex, path: WalPath, { signal, progress }: Pick<JobContext, 'signal' | 'progress'>): Promise<WalRecord[]> {
	const records: WalRecord[] = [];
	for (let at = 0; at < path.parts.length; at += PARALLEL) {
		throwIfAborted(signal);
		progress({ step: 'Reading the records of WAL', done: at, total: path.parts.length, unit: 'files' });
		records.push(
			...(await Promise.all(
				path.parts.slice(at, at + PARALLEL).map(async ({ name, timeline, start, end, recordKey }) => {
					const record = await readWalRecord(store, { name, timeline, systemIdentifier: index.systemIdentifier }, signal);
					const object = record && (await store.stat(walKey(record)));
					if (!record || !object) throw new BackupError('WAL_GAP', `${name} of the WAL archive is missing from the store (${store.description}).`, 'Bring it back from another copy of the store, or take a new base backup now: recovery to a later time is not possible from this one.');
					if (parseLsn(record.startLsn) !== start || parseLsn(record.endLsn) !== end) throw new BackupError('MANIFEST_INVALID', `The record ${recordKey} says ${record.startLsn} to ${record.endLsn}, and its name ${formatLsn(start)} to ${formatLsn(end)}.`, 'It was changed by hand or renamed. Bring it back from another copy of the store.');
					if (object.bytes !== record.artifact.storedBytes) throw damaged(store, record, `it has ${object.bytes} bytes instead of ${record.artifact.storedBytes}`);
					return record;
				}),
			)),
		);
	}
	return records;
}

/**
 * Reads all archived bytes of a path in the order of the log: compared with their records, then walked, every page and the checksum of every record.
 * @param relist the records of the same stretch as it is archived now, see `visitWal`
 * @throws BackupError `ARTIFACT_DAMAGED`, `WAL_INVALID`, `KEY_WRONG`, or the store's error
 */
export async function checkWalBytes(
	store: Store,
	base: BasebackupDetails,
	path: WalPath,
	records: readonly WalRecord[],
	context: Pick<JobContext, 'signal' | 'progress' | 'keys'>,
	relist: () => Promise<readonly WalRecord[]>,
): Promise<CheckedBytes> {
	const total = records.reduce((sum, { artifact }) => sum + artifact.storedBytes, 0);
	const open = records.every(({ artifact }) => hasKeyFor(artifact, context.keys));
	const start = segmentStart(parseLsn(base.startLsn), base.segmentBytes);
	const walker = new WalWalker({ systemIdentifier: base.systemIdentifier, timeline: path.timeline, segmentBytes: base.segmentBytes, serverMajor: Math.floor(base.serverVersionNumber / 10_000), start, checksums: true });
	const log = new EachByteOnce((bytes) => walker.push(bytes), start);
	let storedBytes = 0;
	const visited = await visitWal(store, records, relist, async (record) => {
		context.progress({ step: `Reading ${record.file}`, done: storedBytes, total: Math.max(total, storedBytes), unit: 'bytes' });
		if (open) await walk(store, record, log, context);
		else await compareStored(store, record, context.signal);
		storedBytes += record.artifact.storedBytes;
	});
	return { storedBytes, unopened: open ? 0 : visited.length, times: open ? walker.takeTimes() : null };
}

async function walk(store: Store, record: WalRecord, log: EachByteOnce, { keys, signal }: Pick<JobContext, 'keys' | 'signal'>): Promise<void> {
	let position = parseLsn(record.startLsn);
	for await (const chunk of readWal(store, record, { keys, signal })) {
		log.push(chunk, position);
		position += BigInt(chunk.length);
	}
	if (position !== parseLsn(record.endLsn)) throw damaged(store, record, `it holds the log up to ${formatLsn(position)} instead of ${record.endLsn}`);
}

async function compareStored(store: Store, record: WalRecord, signal: AbortSignal): Promise<void> {
	const meter = new ByteMeter();
	for await (const chunk of meter.measure((await store.get(walKey(record), { signal })) as AsyncIterable<Buffer>)) void chunk;
	if (meter.sha256() !== record.artifact.storedSha256) throw damaged(store, record, 'its bytes are not those that were written');
}

function damaged(store: Store, record: WalRecord, problem: string): BackupError {
	return new BackupError('ARTIFACT_DAMAGED', `${walKey(record)} in the store (${store.description}) is damaged: ${problem}.`, 'Recovery past this segment is not possible from this store. Bring it back from another copy, or take a new base backup now.');
}
