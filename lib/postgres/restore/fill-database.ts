import type { JobContext } from '../../core/context';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import type { PostgresClient } from '../clients';
import { applyDatabaseSettings } from './apply-settings';
import type { ProofComparison } from './compare-proof';
import type { StoredDump } from './dump-files';
import { APPLICATION_NAME, type Maintenance } from './maintenance';
import { preparePartial } from './partial-backup';
import { describeComparison, proveDatabase, throwIfDifferent } from './prove-database';
import { runPgRestore } from './run-pg-restore';
import type { StepRecorder } from '../../core/steps';
import type { TargetServer } from './target-server';

export interface FillRequest {
	readonly session: Maintenance;
	readonly server: TargetServer;
	readonly client: PostgresClient;
	readonly dump: StoredDump;
	/** An existing, empty database. */
	readonly database: string;
	readonly parallelJobs: number;
	/** We created the database: privileges are restored too. */
	readonly own: boolean;
}

export interface FilledDatabase {
	readonly comparison: ProofComparison;
	readonly warnings: string[];
}

/**
 * Restores a dump into an empty database, and proves that it now holds what was backed up. A restore and a restore drill
 * both go this way.
 * @throws BackupError `RESTORE_FAILED`, `PROOF_MISMATCH`, `ARTIFACT_DAMAGED`, `NO_SPACE`, …
 */
export async function fillDatabase(request: FillRequest, context: JobContext, steps: StepRecorder): Promise<FilledDatabase> {
	const { session, server, dump, database } = request;
	const { connection } = session;
	const warnings: string[] = [];
	const settings = dump.manifest.postgres?.settings;

	let list: string | undefined;
	if (dump.manifest.kind === 'partial') {
		const prepared = await steps.run(
			'Prepare schemas and extensions',
			async () => await preparePartial(request, context),
			({ made }) => (made.length === 0 ? 'Nothing was needed.' : `Created ${made.join(', ')}, which a backup of chosen tables does not carry.`),
		);
		list = prepared.list;
	}
	warnings.push(
		...(await steps.run(
			'Restore the dump',
			async () => await runPgRestore({ client: request.client, connection, database, dump, parallelJobs: request.parallelJobs, target: server, list }, context),
			() => `pg_restore ${request.client.version} put ${dump.artifact.sourceBytes} bytes into "${database}" and reported no error.`,
		)),
	);
	await steps.run('Analyze', async () => await analyze(connection, database, context), () => 'Statistics for the query planner are up to date.');
	const comparison = await steps.run(
		'Compare with the proof',
		async () => {
			const result = await proveDatabase(connection, database, dump.manifest, server.major, context);
			throwIfDifferent(result, dump.manifest, database);
			return result;
		},
		describeComparison,
	);
	warnings.push(...comparison.warnings);
	if (settings) {
		const refused = await steps.run(
			'Restore the settings of the database',
			async () => await applyDatabaseSettings(session.client, database, settings, { privileges: request.own }),
			() => `${settings.configuration.length + settings.roleConfiguration.length} settings${request.own && settings.privileges ? ` and ${settings.privileges.length} privileges` : ''}.`,
		);
		warnings.push(...refused);
	}
	return { comparison, warnings };
}

/** Fresh statistics: without them the first queries after a restore are planned blindly. */
async function analyze(connection: PostgresConnection, database: string, context: JobContext): Promise<void> {
	const options = { database, signal: context.signal, applicationName: APPLICATION_NAME, doing: 'analyzing it' };
	await withClient(connection, options, async (client) => {
		await client.query(`SET maintenance_work_mem = '256MB'`);
		await client.query('ANALYZE');
	});
}
