import { withBackupInUse } from '../backup/use-backup';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { StepRecorder } from '../core/steps';
import { drillSqlite } from '../n8n/check-backup';
import type { PostgresConnection } from '../postgres/connection-settings';
import type { Store } from '../storage/store';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface N8nDrillOptions {
	readonly store: Store;
	readonly backup: BackupChoice;
	/** The server of the throwaway database, for backups of an n8n on PostgreSQL. */
	readonly connection: PostgresConnection | null;
	readonly parallelJobs: number;
}

/**
 * Restores a backup of n8n into a throwaway place, compares all counts and opens every credential with the backed-up key. The outcome goes into the catalog.
 * @throws BackupError `PROOF_MISMATCH`, `ARTIFACT_DAMAGED`, `N8N_KEY_MISSING`; `INVALID_INPUT` when a server is needed and none was named
 */
export async function n8nDrill(options: N8nDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store } = options;
	const { manifest } = await findBackup(store, { component: 'n8n', choice: options.backup });
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		return await recordedCheck({ store, manifest, level: 'restore', steps }, held, async () => {
			if (sourceOf(manifest, 'n8n').database === 'sqlite') return { detail: await drillSqlite(store, manifest, held, steps), comparison: [] };
			throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is of an n8n on PostgreSQL, which this version cannot drill.`, 'Use "Integrity" for it.');
		});
	});
}
