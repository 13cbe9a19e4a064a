import { hasKeyFor } from '../backup/artifact-keys';
import { withBackupInUse } from '../backup/use-backup';
import type { Component } from '../catalog/component';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import type { JobContext } from '../core/context';
import { StepRecorder } from '../core/steps';
import type { Store } from '../storage/store';
import { checkArtifacts } from './check-artifacts';
import { checkStructure } from './check-structure';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface VerifyIntegrityOptions {
	readonly store: Store;
	readonly component: Component;
	readonly backup: BackupChoice;
	/** `structure` includes `checksum`. */
	readonly level: 'checksum' | 'structure';
	readonly clientFolder: string;
}

/**
 * Proves that a backup's bytes are as they were written and, for `structure`, that its tool can parse all of them. The outcome goes into the catalog.
 * @throws BackupError `ARTIFACT_DAMAGED` naming what is wrong; whatever kept the check from being done
 */
export async function verifyIntegrity(options: VerifyIntegrityOptions, context: JobContext): Promise<VerifyResult> {
	const { store, level } = options;
	const { manifest } = await findBackup(store, { component: options.component, choice: options.backup });
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		return await recordedCheck({ store, manifest, level, steps }, held, async () => {
			const bytes = await steps.run(
				'Read every byte',
				async () => await checkArtifacts(store, manifest, held),
				(count) => `${manifest.artifacts.length} files, ${count} bytes: lengths and SHA-256 are as recorded.`,
			);
			const unopened = manifest.artifacts.filter((artifact) => !hasKeyFor(artifact, held.keys)).length;
			const closed = unopened === 0 ? '' : ` ${unopened} of them are encrypted and were compared without being opened.`;
			const checked = `${bytes} bytes of ${manifest.artifacts.length} files are as they were written.${closed}`;
			if (level === 'checksum') return { detail: checked, comparison: [] };
			const parsed = await steps.run('Parse it', async () => await checkStructure({ store, manifest, clientFolder: options.clientFolder }, held), (detail) => detail);
			return { detail: `${checked} ${parsed}`, comparison: [] };
		});
	});
}
