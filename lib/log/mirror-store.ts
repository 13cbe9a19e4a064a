import type pg from 'pg';
import { readKnownRuns } from '../catalog/known-runs';
import { listBackups } from '../catalog/list-backups';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { withClient } from '../postgres/connect';
import type { PostgresConnection } from '../postgres/connection-settings';
import type { Store } from '../storage/store';
import { type LogRow, rowsOfStore } from './log-row';
import { prepareLog } from './log-schema';

export interface MirrorOptions {
	readonly connection: PostgresConnection;
	readonly database: string;
	/** Where `backup_log` and `backup_status` are; must exist. */
	readonly schema: string;
	/** Forget what the log says of this store first. Runs that failed before the newest of their series are then gone: the store does not keep them. */
	readonly rebuild: boolean;
}

export interface MirrorResult {
	/** Rows that are new or say something else than before. */
	readonly changed: number;
	/** Backups that the log knew and the store does not hold any more. */
	readonly deleted: number;
	/** Rows of this store. */
	readonly rows: number;
	readonly running: number;
	readonly failed: number;
	readonly warnings: string[];
}

/**
 * Brings `backup_log` in line with a store: its backups, the runs that are going on, and those that failed. Doing it twice changes nothing.
 * Several stores may share a log; a backup belongs to the store in which it was logged first, and its copies are counted there.
 */
export async function mirrorStore(store: Store, options: MirrorOptions, context: JobContext): Promise<MirrorResult> {
	const lock = { name: 'log', mode: 'exclusive' as const, purpose: 'writing the log of the backups', waitSeconds: 60 };
	return await withLock(store, context, lock, async ({ storeNow }, signal) => {
		context.progress({ step: 'Reading what the store holds' });
		const rows = rowsOfStore(await readKnownRuns(store, storeNow), await listBackups(store), store.description);
		const session = { database: options.database, signal, applicationName: 'backup-recovery log', doing: 'writing backup_log' };
		return await withClient(options.connection, session, async (client) => {
			await client.query('BEGIN');
			const { table, view } = await prepareLog(client, await requireSchema(client, options));
			if (table === 'not ours') throw notOurs(options);
			const result = await writeRows(client, options, rows, store.description);
			await client.query('COMMIT');
			const warnings = view === 'not ours' ? [`The view backup_status in schema "${options.schema}" was made by somebody else and stays as it is.`] : [];
			return { ...result, rows: rows.length, running: count(rows, 'running'), failed: count(rows, 'failed'), warnings };
		});
	});
}

async function requireSchema(client: pg.Client, { schema, database }: MirrorOptions): Promise<string> {
	const { rows } = await client.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema]);
	if (rows.length > 0) return schema;
	throw new BackupError('INVALID_INPUT', `The database "${database}" has no schema "${schema}".`, 'Create it, or name one that exists; the usual one is "public".');
}

function notOurs({ schema, database }: MirrorOptions): BackupError {
	return new BackupError(
		'INVALID_INPUT',
		`The database "${database}" has a table "${schema}.backup_log" that was not made by this package.`,
		'It was left alone. Rename it, or name another schema for the log.',
	);
}

const COLUMNS = [
	'backup_id', 'component', 'kind', 'source', 'status', 'created_at', 'finished_at', 'duration_minutes', 'size_mb', 'source_bytes', 'stored_bytes', 'store',
	'parent', 'damaged', 'verified_level', 'verified_at', 'copies', 'error_code', 'error_message', 'error_hint',
] as const satisfies readonly (keyof LogRow)[];

/** Rows in one statement; a store of many years has some ten thousand. */
const BATCH = 2000;

async function writeRows(client: pg.Client, { schema, rebuild }: MirrorOptions, rows: readonly LogRow[], store: string): Promise<{ changed: number; deleted: number }> {
	const table = `${client.escapeIdentifier(schema)}.backup_log`;
	if (rebuild) await client.query(`DELETE FROM ${table} WHERE store = $1`, [store]);
	const updated = COLUMNS.filter((name) => name !== 'backup_id' && name !== 'store');
	const tuple = (prefix: string) => `(${updated.map((name) => `${prefix}.${name}`).join(', ')})`;
	let changed = 0;
	for (let at = 0; at < rows.length; at += BATCH) {
		const { rowCount } = await client.query(
			`INSERT INTO ${table} AS l (${COLUMNS.join(', ')})
			SELECT ${COLUMNS.join(', ')} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)
			ON CONFLICT (backup_id) DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}, deleted_at = NULL, logged_at = now()
			WHERE l.store = excluded.store AND (${tuple('l')} IS DISTINCT FROM ${tuple('excluded')} OR l.deleted_at IS NOT NULL)`,
			[JSON.stringify(rows.slice(at, at + BATCH))],
		);
		changed += rowCount ?? 0;
	}
	const ids = JSON.stringify(rows.map((row) => row.backup_id));
	// A run that was going on and is neither published nor the newest of its series any more has failed; how is not known any more.
	const lost = await client.query(
		`UPDATE ${table} SET status = 'failed', error_code = coalesce(error_code, 'JOB_CRASHED'), error_message = coalesce(error_message, 'The run ended without a backup.'), logged_at = now()
		WHERE store = $1 AND status = 'running' AND backup_id NOT IN (SELECT jsonb_array_elements_text($2::jsonb))`,
		[store, ids],
	);
	const gone = await client.query(
		`UPDATE ${table} SET deleted_at = now(), logged_at = now() WHERE store = $1 AND status = 'success' AND deleted_at IS NULL AND backup_id NOT IN (SELECT jsonb_array_elements_text($2::jsonb))`,
		[store, ids],
	);
	return { changed: changed + (lost.rowCount ?? 0), deleted: gone.rowCount ?? 0 };
}

function count(rows: readonly LogRow[], status: LogRow['status']): number {
	return rows.filter((row) => row.status === status).length;
}
