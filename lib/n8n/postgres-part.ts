import { escapeIdentifier } from 'pg';
import type { Manifest } from '../catalog/manifest';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { withClient } from '../postgres/connect';
import type { PostgresConnection } from '../postgres/connection-settings';
import { type Inspection, inspectInstance, requireEqual } from './inspect';
import { postgresInstance } from './postgres-instance';
import { requiredDetails } from './prove-sqlite';

/** The manifest of an n8n on PostgreSQL as the engine for PostgreSQL reads it: that of a database. */
export function asDatabaseBackup(manifest: Manifest): Manifest {
	const { name } = sourceOf(manifest, 'n8n');
	const { server } = requiredDetails(manifest);
	if (!server || !manifest.postgres) throw new BackupError('MANIFEST_INVALID', `The manifest of backup ${manifest.id} says nothing of the server that it came from.`, 'Use another backup.');
	return { ...manifest, source: { type: 'postgres', name, host: server.host, port: server.port, serverVersion: server.version, serverMajor: server.major } };
}

export interface RestoredDatabase {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly encryptionKey: string;
}

/** Compares a restored database with what was recorded, and tries the key on every credential. @throws BackupError `PROOF_MISMATCH` */
export async function provePostgres({ connection, database, encryptionKey }: RestoredDatabase, manifest: Manifest, context: JobContext): Promise<Inspection> {
	const schema = requiredDetails(manifest).server?.schema ?? 'public';
	return await withClient(connection, { database, signal: context.signal, applicationName: 'backup-recovery n8n', doing: 'comparing it with the backup' }, async (client) => {
		const inspection = await inspectInstance(postgresInstance(client, schema, `The database "${database}"`), encryptionKey, context.signal);
		requireEqual(inspection, requiredDetails(manifest), `The database "${database}", restored from backup ${manifest.id},`);
		return inspection;
	});
}

/** Removes what a dump without the history still carries of it, the way n8n prunes executions. @returns how many */
export async function removeHistory({ connection, database }: RestoredDatabase, manifest: Manifest, context: JobContext): Promise<number> {
	const { server, tablePrefix } = requiredDetails(manifest);
	const table = `${escapeIdentifier(server?.schema ?? 'public')}.${escapeIdentifier(`${tablePrefix}execution_entity`)}`;
	return await withClient(connection, { database, signal: context.signal, applicationName: 'backup-recovery n8n', doing: 'removing the history' }, async (client) => {
		const { rowCount } = await client.query(`DELETE FROM ${table}`);
		return rowCount ?? 0;
	});
}
