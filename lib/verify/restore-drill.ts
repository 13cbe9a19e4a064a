import { withBackupInUse } from '../backup/use-backup';
import type { BackupKind, Component } from '../catalog/component';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { PostgresConnection } from '../postgres/connection-settings';
import { runDrill } from '../postgres/restore/drill';
import { StepRecorder } from '../core/steps';
import type { Store } from '../storage/store';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface RestoreDrillOptions {
	readonly store: Store;
	readonly component: Component;
	readonly backup: BackupChoice;
	readonly connection: PostgresConnection;
	readonly parallelJobs: number;
	readonly globals: BackupChoice | null;
}

/**
 * Restores a backup into a throwaway database, compares it with the proof and drops it. The outcome goes into the catalog.
 * @throws BackupError `INVALID_INPUT` for a backup that no drill can prove; what the restore failed with
 */
export async function restoreDrill(options: RestoreDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store } = options;
	const { manifest } = await findBackup(store, { component: options.component, kinds: drillKinds(options.backup), choice: options.backup });
	checkDrillable(manifest);
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		return await recordedCheck({ store, manifest, level: 'restore', steps }, held, async () => await runDrill({ ...options, manifest }, held, steps));
	});
}

/** The newest means the newest whole backup; one chosen by id is taken as it is and refused with the reason where no drill can prove it. */
function drillKinds(choice: BackupChoice): BackupKind[] | undefined {
	return choice.by === 'id' ? undefined : ['full'];
}

function checkDrillable(manifest: Manifest): void {
	if (manifest.kind === 'globals' || manifest.kind === 'extract') {
		const what = manifest.kind === 'globals' ? 'Roles belong to a whole server, so a throwaway database cannot prove them' : 'An extract is not a backup of a database';
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is of kind ${manifest.kind}. ${what}.`, 'Use "Integrity" with the level "structure" for it.');
	}
	if (!manifest.postgres?.proof) {
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} holds no proof with which a restored database could be compared.`, 'Use "Integrity" for it, and make a new backup.');
	}
}
