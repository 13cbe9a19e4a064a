import { withBackupInUse } from '../backup/use-backup';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import type { Manifest } from '../catalog/manifest';
import { BackupError } from '../core/errors';
import { StepRecorder } from '../core/steps';
import { drillSqlite } from '../n8n/check-backup';
import { fetchSettings } from '../n8n/fetch-artifact';
import { asDatabaseBackup, provePostgres } from '../n8n/postgres-part';
import { describeInspection } from '../n8n/prove-sqlite';
import type { TableComparison } from '../postgres/restore/compare-proof';
import { runDrill } from '../postgres/restore/drill';
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
			return await drillPostgres(options, manifest, held, steps);
		});
	});
}

async function drillPostgres(options: N8nDrillOptions, manifest: Manifest, context: JobContext, steps: StepRecorder): Promise<{ detail: string; comparison: TableComparison[] }> {
	const { store, connection, parallelJobs } = options;
	if (connection === null) {
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is of an n8n on PostgreSQL, and no server was named for the throwaway database.`, 'Give the node a "Postgres Server" credential (on the command line: --host, --user, --password-file).');
	}
	const { encryptionKey } = await steps.run('Read the encryption key', async () => await fetchSettings(store, manifest, context), () => 'The backup holds it.');
	const examine = async (database: string) => `${describeInspection(await provePostgres({ connection, database, encryptionKey }, manifest, context))}: as backed up.`;
	return await runDrill({ store, manifest: asDatabaseBackup(manifest), connection, parallelJobs, globals: null, examine }, context, steps);
}
