import type { FoundBackup } from '../../catalog/find-backup';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { StepRecorder } from '../../core/steps';
import { restoreFoundDatabase } from '../../postgres/restore/restore-database';
import type { RestoreResult } from '../../postgres/restore/result';
import { asDatabaseBackup, provePostgres, removeHistory } from '../postgres-part';
import { describeInspection, requiredDetails } from '../prove-sqlite';
import type { RestoreN8nOptions } from './options';

/**
 * Restores the database of an n8n on PostgreSQL into a new database, or an empty one, compares it, opens every credential with the key, and removes
 * what a backup without the history still carries of it.
 */
export async function restorePostgres(options: RestoreN8nOptions, found: FoundBackup, encryptionKey: string, context: JobContext, steps: StepRecorder): Promise<RestoreResult> {
	const target = requiredTarget(options, found.manifest.id);
	const result = await restoreFoundDatabase(
		{
			store: options.store,
			connection: target.connection,
			backup: options.backup,
			target: { mode: target.mode, database: target.database },
			parallelJobs: target.parallelJobs,
			minimumVerification: 'none',
			globals: null,
			dryRun: options.dryRun,
			confirmation: target.confirmation,
			allowN8nDatabase: false,
			lockWaitSeconds: 0,
		},
		{ ...found, manifest: asDatabaseBackup(found.manifest) },
		context,
		steps,
	);
	if (options.dryRun) return result;
	const restored = { connection: target.connection, database: target.database, encryptionKey };
	await steps.run('Open the credentials', async () => await provePostgres(restored, found.manifest, context), (inspection) => `${describeInspection(inspection)}: as backed up.`);
	if (!requiredDetails(found.manifest).executions) {
		await steps.run('Remove the history', async () => await removeHistory(restored, found.manifest, context), (rows) => `${rows} executions, whose data is not in the backup.`);
	}
	return result;
}

function requiredTarget({ postgres }: RestoreN8nOptions, id: string): NonNullable<RestoreN8nOptions['postgres']> {
	if (postgres) return postgres;
	throw new BackupError('INVALID_INPUT', `Backup ${id} is of an n8n on PostgreSQL, and no server was named to restore its database on.`, 'Name the server, its user and a new database (on the command line: --host, --user, --password-file, --database).');
}
