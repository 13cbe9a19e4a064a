import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import type { BackupDraft } from '../backup/draft';
import type { JobContext } from '../core/context';
import { cancellable } from '../postgres/cancel-request';
import { findClient } from '../postgres/clients';
import type { PostgresConnection } from '../postgres/connection-settings';
import { readDatabaseSettings } from '../postgres/database-settings';
import { findMissingRights, missingRightsError } from '../postgres/missing-rights';
import { takeProof } from '../postgres/proof';
import { listRelations, type Relation } from '../postgres/relations';
import { listSchemas } from '../postgres/schemas';
import { quotePattern, resolveSelection } from '../postgres/selection';
import { readServerVersion } from '../postgres/server-version';
import { withSnapshot } from '../postgres/snapshot';
import { writeDump } from '../postgres/write-dump';
import type { DatabasePart } from './backup-n8n';
import { inspectInstance } from './inspect';
import { postgresInstance } from './postgres-instance';
import type { InstanceSettings } from './settings-file';
import { EXECUTION_BINARY, N8nTables } from './tables';

export interface DumpPostgresOptions {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly schema: string;
	readonly executions: boolean;
	readonly compressionLevel: number;
}

const EVERYTHING = { includeSchemas: [], excludeSchemas: [], includeTables: [], excludeTables: [] };

/**
 * Dumps the database of an n8n that keeps its tables in PostgreSQL: pg_dump and all counts in one snapshot. Of the history of executions the rows
 * that take the space are left out; the short ones, to which other tables refer, are removed after a restore by n8n's own foreign keys.
 */
export async function dumpPostgres(options: DumpPostgresOptions, settings: InstanceSettings, draft: BackupDraft, context: JobContext): Promise<DatabasePart> {
	const { connection, database, schema } = options;
	const where = `The database "${database}" on ${connection.host}:${connection.port}, schema "${schema}",`;
	const session = { database, signal: draft.signal, applicationName: `backup-recovery ${draft.id}`, doing: `backing up "${database}"` };
	return await withSnapshot(connection, session, async (client, snapshot) => {
		context.progress({ step: `Checking "${database}"` });
		const server = await readServerVersion(client);
		const pgDump = await findClient('pg_dump', { serverMajor: server.major, clientFolder: connection.clientFolder, signal: draft.signal });
		const selection = resolveSelection(await listRelations(client), await listSchemas(client), EVERYTHING);
		const missing = await findMissingRights(client, selection.relations, selection.largeObjects);
		if (missing.length > 0) throw missingRightsError(missing, connection.user, database);
		const databaseSettings = await readDatabaseSettings(client);
		const emptied = options.executions ? [] : await emptiedTables(client, schema, selection.relations, where);
		const dumped = selection.tables.filter((table) => !emptied.includes(table));

		const [inspection, proof] = await cancellable(client, connection, draft.signal, async () => [
			await inspectInstance(postgresInstance(client, schema, where, emptied.map(({ name }) => name)), settings.encryptionKey, draft.signal),
			await takeProof(client, { tables: dumped.map(({ schema: of, name }) => ({ schema: of, name })), fingerprint: false, largeObjects: selection.largeObjects, signal: draft.signal, progress: context.progress }),
		] as const);
		const leftOut = emptied.map((table) => `--exclude-table-data=${quotePattern(table.schema)}.${quotePattern(table.name)}`);
		const artifact = await writeDump(
			{
				connection,
				database,
				format: 'custom',
				parallelJobs: 1,
				compressionLevel: options.compressionLevel,
				selection: { ...selection, arguments: [...selection.arguments, ...leftOut] },
				pgDump,
				snapshot,
				encoding: databaseSettings.encoding,
				databaseBytes: databaseSettings.databaseBytes,
				expectedBytes: undefined,
				secret: true,
			},
			draft,
			draft.signal,
			context,
		);
		return {
			artifact,
			inspection,
			postgres: { format: 'custom' as const, clientVersion: pgDump.version, settings: databaseSettings, proof },
			server: { host: connection.host, port: connection.port, version: server.version, major: server.major, database, schema },
		};
	});
}

/** The tables of which no rows are dumped: the data of executions, and binary data where all of it belongs to executions. */
async function emptiedTables(client: pg.Client, schema: string, relations: readonly Relation[], where: string): Promise<Relation[]> {
	const own = relations.filter((relation) => relation.schema === schema && relation.kind === 'r');
	const tables = N8nTables.among(own.map(({ name }) => name), where);
	const find = (name: string) => own.filter((relation) => relation.name === tables.named(name));
	const [binary] = find(EXECUTION_BINARY.table);
	return [...find('execution_data'), ...(binary && (await onlyOfExecutions(client, binary)) ? [binary] : [])];
}

async function onlyOfExecutions(client: pg.Client, { schema, name }: Relation): Promise<boolean> {
	const { rows } = await client.query<{ others: boolean }>(
		`SELECT EXISTS (SELECT FROM ${escapeIdentifier(schema)}.${escapeIdentifier(name)} WHERE ${escapeIdentifier(EXECUTION_BINARY.column)} <> $1) AS others`,
		[EXECUTION_BINARY.value],
	);
	return rows[0]?.others === false;
}
