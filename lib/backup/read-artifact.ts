import { artifactKey } from '../catalog/layout';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { JobKeys } from '../core/keys';
import { BackupError } from '../core/errors';
import { WrongKeyError } from '../pipeline/age';
import { ByteMeter } from '../pipeline/byte-meter';
import { compareBytes } from '../pipeline/compare-bytes';
import { DamagedBytesError } from '../pipeline/damaged-bytes-error';
import { readStored } from '../pipeline/read-stored';
import type { Store } from '../storage/store';
import { hasKeyFor, keyMissing, keyWrong } from './artifact-keys';

export interface ReadArtifactOptions {
	readonly signal: AbortSignal;
	readonly keys: JobKeys;
	/** Stored bytes read so far, for progress against `artifact.storedBytes`. */
	readonly onStoredBytes?: (total: number) => void;
}

/**
 * The bytes that were backed up, decompressed and checked: length and SHA-256, stored and source, are compared with the
 * manifest before the last chunk is handed out.
 * @throws BackupError `ARTIFACT_DAMAGED`; `KEY_MISSING` or `KEY_WRONG`, both before a byte is handed out; or the store's error
 */
export async function* readArtifact(
	store: Store,
	manifest: Pick<Manifest, 'component' | 'id'>,
	artifact: Artifact,
	options: ReadArtifactOptions,
): AsyncGenerator<Buffer, void, void> {
	if (!hasKeyFor(artifact, options.keys)) throw keyMissing(manifest, artifact);
	try {
		const stored = await open(store, manifest, artifact, options.signal);
		yield* readStored(stored, artifact, { decryption: options.keys.decryption, onStoredBytes: options.onStoredBytes });
	} catch (error) {
		if (error instanceof DamagedBytesError) throw damaged(store, manifest, artifact, error);
		if (!(error instanceof WrongKeyError)) throw error;
		// A flipped bit in the header looks like a wrong key.
		await checkStoredArtifact(store, manifest, artifact, { signal: options.signal });
		throw keyWrong(manifest, artifact, error);
	}
}

/**
 * Reads an artifact's stored bytes and compares their length and SHA-256 with the manifest. Needs no key, and says nothing of what is inside.
 * @throws BackupError `ARTIFACT_DAMAGED`, or the store's error
 */
export async function checkStoredArtifact(
	store: Store,
	manifest: Pick<Manifest, 'component' | 'id'>,
	artifact: Artifact,
	options: Omit<ReadArtifactOptions, 'keys'>,
): Promise<void> {
	try {
		const meter = new ByteMeter(options.onStoredBytes);
		for await (const chunk of meter.measure(await open(store, manifest, artifact, options.signal))) void chunk;
		compareBytes('stored', meter, artifact.storedBytes, artifact.storedSha256);
	} catch (error) {
		throw error instanceof DamagedBytesError ? damaged(store, manifest, artifact, error) : error;
	}
}

async function open(store: Store, manifest: Pick<Manifest, 'component' | 'id'>, artifact: Artifact, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
	const key = artifactKey(manifest.component, manifest.id, artifact.name);
	const found = await store.stat(key);
	if (!found) throw new DamagedBytesError('it is missing from the store');
	if (found.bytes !== artifact.storedBytes) throw new DamagedBytesError(`it has ${found.bytes} stored bytes instead of ${artifact.storedBytes}`);
	return (await store.get(key, { signal })) as AsyncIterable<Buffer>;
}

function damaged(store: Store, { id }: Pick<Manifest, 'id'>, { name }: Artifact, cause: DamagedBytesError): BackupError {
	return new BackupError(
		'ARTIFACT_DAMAGED',
		`${name} of backup ${id} in the store (${store.description}) is damaged: ${cause.message}.`,
		'Do not restore from this backup. Use another one, or another copy of it, and check the disk or bucket that holds it.',
		{ cause },
	);
}
