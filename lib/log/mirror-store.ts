import type pg from 'pg';
import { readKnownRuns } from '../catalog/known-runs';
import { listBackups } from '../catalog/list-backups';
import { readRunHistory } from '../catalog/run-history';
import { identifyStore } from '../catalog/store-identity';
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
	/**
	 * Forget first what the log says of this store, also under a name that it had before, and take over what is logged of its backups elsewhere.
	 * Backups that are deleted since, and failures from before the store kept a history of runs, are then gone.
	 */
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
 * Several stores may share a log; a backup belongs to the store in which it was logged first, and its copies are counted there. A store is
 * told by its id, which moves with it.
 */
export async function mirrorStore(store: Store, options: MirrorOptions, context: JobContext): Promise<MirrorResult> {
	const lock = { name: 'log', mode: 'exclusive' as const, purpose: 'writing the log of the backups', waitSeconds: 60 };
	return await withLock(store, context, lock, async ({ storeNow }, signal) => {
		context.progress({ step: 'Reading what the store holds' });
		const identity = { id: await identifyStore(store, { ...context, signal }), description: store.description };
		const backups = await listBackups(store);
		const history = await readRunHistory(store, new Date(0));
		// Of backups that are pruned since, the log has rows of its own, or has forgotten them.
		const failed = { ...history, runs: history.runs.filter(({ outcome }) => outcome === 'failed') };
		const rows = rowsOfStore(await readKnownRuns(store, storeNow), backups, store.description, failed);
		const madeHere = backups.filter(({ copies }) => !copies.some(({ origin }) => origin)).map(({ id }) => id);
		const session = { database: options.database, signal, applicationName: 'backup-recovery log', doing: 'writing backup_log' };
		return await withClient(options.connection, session, async (client) => {
			await client.query('BEGIN');
			const { table, view } = await prepareLog(client, await requireSchema(client, options));
			if (table === 'not ours') throw notOurs(options);
			const result = await writeRows(client, options, identity, rows, madeHere);
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

interface Identity {
	readonly id: string;
	readonly description: string;
}

/** @param madeHere ids of backups that were not copied from another store */
async function writeRows(client: pg.Client, { schema, rebuild }: MirrorOptions, store: Identity, rows: readonly LogRow[], madeHere: readonly string[]): Promise<{ changed: number; deleted: number }> {
	const table = `${client.escapeIdentifier(schema)}.backup_log`;
	// Rows from before stores had ids.
	await client.query(`UPDATE ${table} SET store_id = $1 WHERE store_id IS NULL AND store = $2`, [store.id, store.description]);
	if (rebuild) await forget(client, table, store, madeHere);
	const updated = COLUMNS.filter((name) => name !== 'backup_id');
	const tuple = (prefix: string) => `(${updated.map((name) => `${prefix}.${name}`).join(', ')})`;
	let changed = 0;
	for (let at = 0; at < rows.length; at += BATCH) {
		const { rowCount } = await client.query(
			`INSERT INTO ${table} AS l (${COLUMNS.join(', ')}, store_id)
			SELECT ${COLUMNS.join(', ')}, $2 FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)
			ON CONFLICT (backup_id) DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}, deleted_at = NULL, logged_at = now()
			WHERE l.store_id = excluded.store_id AND (${tuple('l')} IS DISTINCT FROM ${tuple('excluded')} OR l.deleted_at IS NOT NULL)`,
			[JSON.stringify(rows.slice(at, at + BATCH)), store.id],
		);
		changed += rowCount ?? 0;
	}
	const ids = JSON.stringify(rows.map((row) => row.backup_id));
	// A run that was going on and is neither published nor the newest of its series any more has failed; how is not known any more.
	const lost = await client.query(
		`UPDATE ${table} SET status = 'failed', error_code = coalesce(error_code, 'JOB_CRASHED'), error_message = coalesce(error_message, 'The run ended without a backup.'), logged_at = now()
		WHERE store_id = $1 AND status = 'running' AND backup_id NOT IN (SELECT jsonb_array_elements_text($2::jsonb))`,
		[store.id, ids],
	);
	const gone = await client.query(
		`UPDATE ${table} SET deleted_at = now(), logged_at = now() WHERE store_id = $1 AND status = 'success' AND deleted_at IS NULL AND backup_id NOT IN (SELECT jsonb_array_elements_text($2::jsonb))`,
		[store.id, ids],
	);
	return { changed: changed + (lost.rowCount ?? 0), deleted: gone.rowCount ?? 0 };
}

/** Whatever holds rows of backups that were made here is this store under an earlier name or id: a copy of them elsewhere would not have logged them first. */
async function forget(client: pg.Client, table: string, store: Identity, madeHere: readonly string[]): Promise<void> {
	await client.query(
		`DELETE FROM ${table} WHERE store_id = $1
		OR (store, coalesce(store_id, '')) IN (SELECT store, coalesce(store_id, '') FROM ${table} WHERE backup_id IN (SELECT jsonb_array_elements_text($2::jsonb)))`,
		[store.id, JSON.stringify(madeHere)],
	);
}

function count(rows: readonly LogRow[], status: LogRow['status']): number {
	return rows.filter((row) => row.status === status).length;
}
