import { artifactKey } from '../catalog/layout';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { JobKeys } from '../core/keys';
import { BackupError } from '../core/errors';
import { DamagedBytesError } from '../pipeline/damaged-bytes-error';
import { readStored } from '../pipeline/read-stored';
import type { Store } from '../storage/store';

export interface ReadArtifactOptions {
	readonly signal: AbortSignal;
	readonly keys: JobKeys;
	/** Stored bytes read so far, for progress against `artifact.storedBytes`. */
	readonly onStoredBytes?: (total: number) => void;
}

/**
 * The bytes that were backed up, decompressed and checked: length and SHA-256, stored and source, are compared with the
 * manifest before the last chunk is handed out.
 * @throws BackupError `ARTIFACT_DAMAGED`, or the store's error
 */
export async function* readArtifact(
	store: Store,
	manifest: Pick<Manifest, 'component' | 'id'>,
	artifact: Artifact,
	options: ReadArtifactOptions,
): AsyncGenerator<Buffer, void, void> {
	const key = artifactKey(manifest.component, manifest.id, artifact.name);
	try {
		const found = await store.stat(key);
		if (!found) throw new DamagedBytesError('it is missing from the store');
		if (found.bytes !== artifact.storedBytes) throw new DamagedBytesError(`it has ${found.bytes} stored bytes instead of ${artifact.storedBytes}`);
		const stored = await store.get(key, { signal: options.signal });
		yield* readStored(stored as AsyncIterable<Buffer>, artifact, options.onStoredBytes);
	} catch (error) {
		if (!(error instanceof DamagedBytesError)) throw error;
		throw new BackupError(
			'ARTIFACT_DAMAGED',
			`${artifact.name} of backup ${manifest.id} in the store (${store.description}) is damaged: ${error.message}.`,
			'Do not restore from this backup. Use another one, or another copy of it, and check the disk or bucket that holds it.',
			{ cause: error },
		);
	}
}
