import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component } from '../catalog/component';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import { StepRecorder } from '../core/steps';
import { restoreFiles } from '../files/restore/restore-files';
import type { Store } from '../storage/store';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface FilesDrillOptions {
	readonly store: Store;
	readonly component: Component;
	readonly backup: BackupChoice;
	/** Where there is room for all files; a folder is made in it and removed. Empty: the job's work folder. */
	readonly folder: string;
}

/**
 * Restores a backup of files, through its whole chain, into a throwaway folder, reads everything again, compares it with the index and
 * removes the folder. The outcome goes into the catalog.
 */
export async function filesDrill(options: FilesDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store, component } = options;
	const { manifest } = await findBackup(store, { component, kinds: ['full', 'incremental'], choice: options.backup });
	sourceOf(manifest, 'files');
	const steps = new StepRecorder(context.progress);
	const name = `backup-recovery-drill-${context.randomBytes(6).toString('hex')}`;
	const folder = join(options.folder === '' ? context.workFolder : options.folder, name);
	return await recordedCheck({ store, manifest, level: 'restore', steps }, context, async () => {
		try {
			const restored = await restoreFiles(
				{
					store,
					component,
					backup: { by: 'id', id: manifest.id },
					folder,
					mode: 'beside',
					include: [],
					exclude: [],
					overwrite: 'always',
					suffix: '',
					removeUnknown: false,
					owner: 'numbers',
					dryRun: false,
					confirmation: '',
				},
				context,
			);
			steps.steps.push(...restored.steps);
			const { files } = restored;
			return {
				detail: `${files.create} files and links and ${files.folders} folders with ${files.bytes} bytes were restored from ${restored.chain.length} backup${restored.chain.length === 1 ? '' : 's'}, read again, and are as the index says.`,
				comparison: [],
			};
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
}
