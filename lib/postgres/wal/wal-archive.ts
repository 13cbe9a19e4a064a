import { hasKeyFor } from '../../backup/artifact-keys';
import { timelineFolder, walFolder } from '../../catalog/layout';
import { once, readSmallObject, writeSmallObject } from '../../catalog/small-object';
import { type WalFacts, type WalRecord, walRecordSchema } from '../../catalog/wal-manifest';
import { BackupError } from '../../core/errors';
import type { JobKeys } from '../../core/keys';
import { WrongKeyError } from '../../pipeline/age';
import { DamagedBytesError } from '../../pipeline/damaged-bytes-error';
import { readStored } from '../../pipeline/read-stored';
import { writeStored } from '../../pipeline/write-stored';
import type { Store } from '../../storage/store';
import { formatLsn } from '../replication/lsn';
import { timelineName } from '../replication/wal-segment';
import { parseHistory } from './timeline-history';

const RECORD_SUFFIX = '.json';

/** One object of the archive, as its place in the store alone tells it. */
export interface WalObject {
	/** Without `.json`: `000000010000000000000005`, `000000010000000000000005.from-1C0000-to-200000`, `00000002.history`. */
	readonly name: string;
	readonly timeline: number;
	readonly recordKey: string;
	readonly archivedAt: Date;
}

/** The lock of whoever writes into the archive of a server. */
export function walLockName(systemIdentifier: string): string {
	return `wal-${systemIdentifier}`;
}

export interface WriteWalOptions {
	readonly keys: JobKeys;
	readonly compressionLevel: number;
	readonly signal: AbortSignal;
}

/** The name, within its timeline's folder, of the bytes `from` to `to` (without `to`) of a segment that is not complete yet. */
export function pieceName(segment: string, from: number, to: number): string {
	return `${segment}.from-${from.toString(16).toUpperCase()}-to-${to.toString(16).toUpperCase()}`;
}

/** Takes one object out of the archive, its record first: what has none is not archived. One whose record cannot be used goes too. */
export async function removeWal(store: Store, object: Pick<WalObject, 'name' | 'timeline'> & { readonly systemIdentifier: string }, signal: AbortSignal): Promise<void> {
	const folder = timelineFolder(object.systemIdentifier, timelineName(object.timeline));
	const record = await readUsableRecord(store, object, signal);
	await store.remove(`${folder}${object.name}.json`);
	if (record) await store.remove(folder + record.artifact.name);
	else for (const encrypted of [false, true]) await store.remove(folder + objectName(object.name, encrypted));
}

/**
 * Puts one object into the archive, its record last. When this resolves, it is durable.
 * @returns the record as written
 */
export async function writeWal(
	store: Store,
	name: string,
	source: AsyncIterable<Uint8Array>,
	facts: WalFacts,
	{ keys, compressionLevel, signal }: WriteWalOptions,
): Promise<WalRecord> {
	const folder = timelineFolder(facts.systemIdentifier, timelineName(facts.timeline));
	const stored = objectName(name, keys.encryption !== null);
	const history = facts.content === 'history' ? await collect(source) : undefined;
	const artifact = await writeStored(store, folder + stored, history ? once(history) : source, {
		compression: { algorithm: 'zstd', level: compressionLevel },
		encryption: keys.encryption,
		signal,
		secret: true,
		immutable: facts.content !== 'piece',
		expectedBytes: facts.segmentBytes,
	});
	const record: WalRecord = walRecordSchema.parse({
		...facts,
		...(history && { switches: parseHistory(history.toString('utf8')).map(({ timeline, at }) => ({ timeline, lsn: formatLsn(at) })) }),
		formatVersion: 1,
		artifact: { name: stored, role: 'wal', mediaType: 'application/octet-stream', ...artifact },
	});
	await writeSmallObject(store, folder + name + RECORD_SUFFIX, record, { signal, immutable: facts.content !== 'piece' });
	return record;
}

function objectName(name: string, encrypted: boolean): string {
	return `${name}.zst${encrypted ? '.age' : ''}`;
}

/** A history has a few lines. */
async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of source) chunks.push(chunk);
	return Buffer.concat(chunks);
}

/** All that is archived of a server, in no particular order; what has no record is not archived. */
export async function* listWal(store: Store, systemIdentifier: string): AsyncGenerator<WalObject, void, void> {
	const folder = walFolder(systemIdentifier);
	for await (const { key, modifiedAt } of store.list(folder)) {
		const [timeline, file, ...rest] = key.slice(folder.length).split('/');
		if (timeline === undefined || file === undefined || rest.length > 0 || !/^[0-9A-F]{8}$/.test(timeline) || !file.endsWith(RECORD_SUFFIX)) continue;
		yield { name: file.slice(0, -RECORD_SUFFIX.length), timeline: Number.parseInt(timeline, 16), recordKey: key, archivedAt: modifiedAt };
	}
}

/**
 * The record of an archived object; undefined where there is none.
 * @throws BackupError `MANIFEST_INVALID` when it cannot be read or is that of something else
 */
export async function readWalRecord(store: Store, { name, timeline, systemIdentifier }: Pick<WalObject, 'name' | 'timeline'> & { readonly systemIdentifier: string }, signal: AbortSignal): Promise<WalRecord | undefined> {
	const key = timelineFolder(systemIdentifier, timelineName(timeline)) + name + RECORD_SUFFIX;
	const text = await readSmallObject(store, key, signal);
	if (text === undefined) return undefined;
	const invalid = (problem: string, cause?: unknown) =>
		new BackupError('MANIFEST_INVALID', `The record ${key} of the WAL archive in the store (${store.description}) cannot be used: ${problem}.`, 'It was damaged or changed by hand. Bring it back from another copy of the store, or take a new base backup.', { cause });
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw invalid('it is not valid JSON', error);
	}
	const parsed = walRecordSchema.safeParse(value);
	if (!parsed.success) throw invalid(parsed.error.issues[0]?.message ?? 'it does not fit the format', parsed.error);
	const record = parsed.data;
	if (record.systemIdentifier !== systemIdentifier) throw invalid(`it is that of the server ${record.systemIdentifier}`);
	if (record.timeline !== timeline || !name.startsWith(record.file)) throw invalid(`it is that of ${record.file} on timeline ${record.timeline}`);
	return record;
}

/** The same; undefined also for a record that cannot be used. For what can be written again from what the server sends. */
export async function readUsableRecord(store: Store, object: Parameters<typeof readWalRecord>[1], signal: AbortSignal): Promise<WalRecord | undefined> {
	try {
		return await readWalRecord(store, object, signal);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'MANIFEST_INVALID') return undefined;
		throw error;
	}
}

/**
 * The archived bytes, decompressed, decrypted and compared with the record before the last of them is handed out.
 * @throws BackupError `ARTIFACT_DAMAGED`, `KEY_MISSING`, `KEY_WRONG`, or the store's error
 */
export async function* readWal(store: Store, record: WalRecord, { keys, signal }: { readonly keys: JobKeys; readonly signal: AbortSignal }): AsyncGenerator<Buffer, void, void> {
	const { artifact } = record;
	const key = timelineFolder(record.systemIdentifier, timelineName(record.timeline)) + artifact.name;
	if (!hasKeyFor(artifact, keys)) {
		throw new BackupError('KEY_MISSING', `The WAL archive is encrypted, and no key that could open ${artifact.name} was given.`, 'Give the "Backup Encryption" credential (or the command line) the identity or passphrase. Nothing was changed.');
	}
	try {
		const found = await store.stat(key);
		if (!found) throw new DamagedBytesError('it is missing from the store');
		yield* readStored((await store.get(key, { signal })) as AsyncIterable<Buffer>, artifact, { decryption: keys.decryption });
	} catch (error) {
		if (error instanceof DamagedBytesError) {
			throw new BackupError('ARTIFACT_DAMAGED', `${key} in the store (${store.description}) is damaged: ${error.message}.`, 'Recovery past this segment is not possible from this store. Bring it back from another copy, or recover to a time before it.', { cause: error });
		}
		if (error instanceof WrongKeyError) {
			throw new BackupError('KEY_WRONG', `${artifact.name} of the WAL archive is encrypted, and none of the given keys opens it.`, 'Use the key that belongs to it. Nothing was changed.', { cause: error });
		}
		throw error;
	}
}
