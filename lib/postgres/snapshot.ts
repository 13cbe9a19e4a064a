import type pg from 'pg';
import { BackupError } from '../core/errors';
import type { PostgresConnection } from './connection-settings';
import { type ConnectOptions, withClient } from './connect';

/** How long a dump waits for a table that somebody has locked. */
export const LOCK_WAIT_MS = 5 * 60_000;

/**
 * Runs `body` inside a read-only transaction that sees one moment of the database, and whose view other sessions can share
 * by `snapshot` while `body` runs: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
 */
export async function withSnapshot<T>(
	connection: PostgresConnection,
	options: ConnectOptions,
	body: (client: pg.Client, snapshot: string) => Promise<T>,
): Promise<T> {
	return await withClient(connection, options, async (client) => {
		await client.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
		// A policy that hides rows makes a query fail rather than leave them out.
		await client.query('SET row_security = off');
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
		const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
		const snapshot = rows[0]?.snapshot;
		if (!snapshot) throw new BackupError('INTERNAL', 'The server exported no snapshot.', 'Report this as a bug.');
		const result = await body(client, snapshot);
		await client.query('ROLLBACK');
		return result;
	});
}
