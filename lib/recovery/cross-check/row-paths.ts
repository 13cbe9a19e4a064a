import type pg from 'pg';
import { BackupError } from '../../core/errors';
import { withClient } from '../../postgres/connect';
import type { PostgresConnection } from '../../postgres/connection-settings';

export interface RowQuery {
	readonly connection: PostgresConnection;
	readonly database: string;
	/** One SELECT with one column. */
	readonly sql: string;
	/** For each batch of rows, so the whole may take longer. */
	readonly statementTimeoutSeconds: number;
	readonly signal: AbortSignal;
}

const BATCH = 5000;

/**
 * Hands the values of the user's query to `take`, batch by batch, without ever holding all. The user's SQL runs in a read-only
 * transaction, as a single statement (the extended protocol takes no more), and with the role's own search path.
 * @throws BackupError `INVALID_INPUT` for anything but one column; the server's errors, mapped
 */
export async function readRowPaths(query: RowQuery, take: (value: string | null) => Promise<void>): Promise<void> {
	const { connection, database, signal } = query;
	const options = { database, signal, applicationName: 'backup-recovery cross check', doing: 'running the query of the cross check' };
	await withClient(connection, options, async (client) => {
		const limit = Math.round(query.statementTimeoutSeconds * 1000);
		await client.query('SET default_transaction_read_only = on');
		await client.query('RESET search_path');
		// A policy that hides rows would make their files look superfluous.
		await client.query('SET row_security = off');
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
		await client.query(`SET LOCAL statement_timeout = ${limit}`);
		await client.query(`SET LOCAL lock_timeout = ${limit}`);
		// After a first query the transaction can no longer be made writable.
		await client.query('SELECT 1');
		await client.query(single(`DECLARE backup_recovery_paths NO SCROLL CURSOR FOR ${query.sql.replace(/[\s;]+$/, '')}`));
		for (;;) {
			const { rows, fields } = await client.query<(string | null)[]>(single(`FETCH FORWARD ${BATCH} FROM backup_recovery_paths`));
			if (fields.length !== 1) {
				throw new BackupError('INVALID_INPUT', `The query of the cross check yields ${fields.length} columns.`, 'Write a query with exactly one column, the path of the file.');
			}
			for (const [value] of rows) await take(value ?? null);
			if (rows.length < BATCH) break;
		}
		await client.query('ROLLBACK');
	});
}

/** A query of which the server takes one statement only; values come as the server writes them. */
function single(text: string): pg.QueryArrayConfig {
	const config: pg.QueryArrayConfig & { queryMode: 'extended' } = { text, values: [], rowMode: 'array', types: { getTypeParser: () => (value: string) => value }, queryMode: 'extended' };
	return config;
}
