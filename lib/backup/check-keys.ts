import type { Manifest } from '../catalog/manifest';
import { BackupError } from '../core/errors';
import type { RestoreCheck } from '../core/steps';
import type { Store } from '../storage/store';
import { readArtifact, type ReadArtifactOptions } from './read-artifact';

/**
 * Opens every encrypted artifact of a backup as far as it takes to know whether the job's keys are the right ones: to be done before
 * anything is changed. Reads no more than the first few MiB of each.
 * @returns one check; none for a backup that is not encrypted
 * @throws the store's error
 */
export async function checkKeys(store: Store, manifest: Manifest, options: Pick<ReadArtifactOptions, 'signal' | 'keys'>): Promise<RestoreCheck[]> {
	const { signal, keys } = options;
	const encrypted = manifest.artifacts.filter((artifact) => artifact.encryption);
	if (encrypted.length === 0) return [];
	const check = 'Decryption';
	try {
		for (const artifact of encrypted) {
			for await (const chunk of readArtifact(store, manifest, artifact, { signal, keys })) {
				void chunk;
				break;
			}
		}
	} catch (error) {
		if (!(error instanceof BackupError) || !['KEY_MISSING', 'KEY_WRONG', 'ARTIFACT_DAMAGED'].includes(error.code)) throw error;
		return [{ check, state: 'failed', code: error.code, detail: error.message, hint: error.hint }];
	}
	return [{ check, state: 'passed', detail: `The given keys open the backup (${encrypted.length} encrypted files).` }];
}
