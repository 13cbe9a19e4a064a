import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../catalog/manifest';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import type { StepRecorder } from '../core/steps';
import type { Store } from '../storage/store';
import { ARTIFACTS, requiredArtifact } from './artifacts';
import { fetchArtifact, fetchSettings } from './fetch-artifact';
import { describeInspection, proveSqlite } from './prove-sqlite';

/**
 * Restores the SQLite database of a backup into the job's work folder, checks all of it and tries the key on every credential, and removes it.
 * @returns what was found, as a sentence
 * @throws BackupError `ARTIFACT_DAMAGED`, `PROOF_MISMATCH`, `N8N_KEY_MISSING`
 */
export async function drillSqlite(store: Store, manifest: Manifest, context: JobContext, steps: StepRecorder): Promise<string> {
	sourceOf(manifest, 'n8n');
	const file = join(context.workFolder, 'n8n-drill.sqlite');
	try {
		const { encryptionKey } = await steps.run('Read the encryption key', async () => await fetchSettings(store, manifest, context), () => 'The backup holds it.');
		await steps.run(
			'Restore the database',
			async () => await fetchArtifact(store, manifest, requiredArtifact(manifest, ARTIFACTS.sqlite), file, context),
			() => 'Into a temporary file.',
		);
		return await steps.run('Check and compare', async () => `${describeInspection(await proveSqlite(file, manifest, encryptionKey, context.signal))}: as backed up.`, (detail) => detail);
	} finally {
		await rm(file, { force: true });
	}
}
