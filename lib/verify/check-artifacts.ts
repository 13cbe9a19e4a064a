import { hasKeyFor } from '../backup/artifact-keys';
import { checkStoredArtifact, readArtifact } from '../backup/read-artifact';
import { backupFolder, COPIES_NAME, MANIFEST_NAME, VERIFICATION_NAME } from '../catalog/layout';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';

/**
 * Reads every artifact of a backup again and compares it with the manifest: stored and source bytes, length and SHA-256;
 * of encrypted ones, without a key, the stored bytes only. Also looks for objects in
 * the backup's folder that the manifest does not know.
 * @returns the stored bytes read
 * @throws BackupError `ARTIFACT_DAMAGED` naming everything that is wrong
 */
export async function checkArtifacts(store: Store, manifest: Manifest, context: Pick<JobContext, 'signal' | 'progress' | 'keys'>): Promise<number> {
	const problems = await findForeignObjects(store, manifest);
	const total = manifest.artifacts.reduce((sum, artifact) => sum + artifact.storedBytes, 0);
	let before = 0;
	for (const artifact of manifest.artifacts) {
		const onStoredBytes = (bytes: number) => context.progress({ step: `Reading ${artifact.name}`, done: before + bytes, total, unit: 'bytes' });
		try {
			const options = { signal: context.signal, keys: context.keys, onStoredBytes };
			if (hasKeyFor(artifact, context.keys)) for await (const chunk of readArtifact(store, manifest, artifact, options)) void chunk;
			else await checkStoredArtifact(store, manifest, artifact, options);
		} catch (error) {
			if (!(error instanceof BackupError) || !['ARTIFACT_DAMAGED', 'OBJECT_NOT_FOUND'].includes(error.code)) throw error;
			problems.push(error.message);
		}
		before += artifact.storedBytes;
	}
	if (problems.length > 0) {
		throw new BackupError(
			'ARTIFACT_DAMAGED',
			problems.join(' '),
			'Do not restore from this backup. Use another one, or another copy of it; make a new one now, and check the disk or bucket that holds the store.',
		);
	}
	return total;
}

async function findForeignObjects(store: Store, manifest: Manifest): Promise<string[]> {
	const folder = backupFolder(manifest.component, manifest.id);
	const known = new Set([MANIFEST_NAME, VERIFICATION_NAME, COPIES_NAME, ...manifest.artifacts.map((artifact) => artifact.name)]);
	const foreign: string[] = [];
	for await (const object of store.list(folder)) {
		const name = object.key.slice(folder.length);
		if (!known.has(name)) foreign.push(JSON.stringify(name));
	}
	if (foreign.length === 0) return [];
	return [`The folder of backup ${manifest.id} holds what does not belong to it: ${foreign.sort().join(', ')}.`];
}
