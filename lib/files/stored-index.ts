import { readArtifact } from '../backup/read-artifact';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { type IndexEntry, IndexRefusedError, type LeftOut, TreeCheck } from './index-entry';
import { packInto, readEntries, unpack } from './index-spool';

export const ARCHIVE_ROLE = 'archive';
export const INDEX_ROLE = 'index';
export const DELETED_ROLE = 'deleted';

/** The backup's artifact of a role. @throws BackupError `MANIFEST_INVALID` */
export function artifactOf(manifest: Manifest, role: string): Artifact {
	const artifact = manifest.artifacts.find((each) => each.role === role);
	if (artifact) return artifact;
	throw new BackupError('MANIFEST_INVALID', `Backup ${manifest.id} has no artifact with the role "${role}".`, 'It was not written by this package as a backup of files. Use another backup.');
}

/**
 * Brings a backup's index into the work folder and checks all of it: its bytes against the manifest, every line, and that its entries describe a
 * tree and nothing else (see `TreeCheck`).
 * @param file where to, in the work folder
 * @throws BackupError `ARTIFACT_DAMAGED`, `KEY_MISSING`, `KEY_WRONG`; `ARCHIVE_REFUSED` naming the entry that cannot be
 */
export async function fetchIndex(store: Store, manifest: Manifest, file: string, context: Pick<JobContext, 'signal' | 'keys' | 'progress'>): Promise<void> {
	const artifact = artifactOf(manifest, INDEX_ROLE);
	const onStoredBytes = (done: number) => context.progress({ step: `Reading the index of ${manifest.id}`, done, total: artifact.storedBytes, unit: 'bytes' });
	await packInto(file, readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys, onStoredBytes }));
	await refusing(manifest, artifact, async () => {
		const check = new TreeCheck();
		for await (const entry of readEntries(unpack(file))) check.accept(entry);
	});
}

/** The entries of a fetched index. */
export function fetchedEntries(file: string): AsyncGenerator<IndexEntry | LeftOut, void, void> {
	return readEntries(unpack(file));
}

/** Says which artifact of which backup an archive or index that cannot be believed is. */
export async function refusing<T>(manifest: Pick<Manifest, 'id'>, artifact: Pick<Artifact, 'name'>, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof IndexRefusedError) && !(error instanceof Error && error.name === 'TarRefusedError')) throw error;
		throw new BackupError(
			'ARCHIVE_REFUSED',
			`${artifact.name} of backup ${manifest.id} is refused: ${error.message}.`,
			'This package does not write such archives: it is damaged or somebody made it. Use another backup, and find out who can write to the store.',
			{ cause: error },
		);
	}
}
