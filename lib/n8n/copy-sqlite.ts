import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { throwIfAborted } from '../core/errors';
import type { ProgressReporter } from '../core/progress';
import { removeDanglingRows } from './dangling-rows';
import { quoteName, withSqlite } from './sqlite-database';
import { EXECUTION_BINARY, N8nTables } from './tables';

/** Rows a step; between steps the process answers to cancelling and keeps its lock alive. */
const ROWS_A_STEP = 500;

export interface CopySqliteOptions {
	/** n8n's database, which may be in use. */
	readonly source: string;
	/** A file that does not exist yet. */
	readonly target: string;
	/** Leave out the history of executions and what hangs on it. */
	readonly withoutHistory: boolean;
	readonly signal: AbortSignal;
	readonly progress: ProgressReporter;
}

interface SchemaRow {
	readonly type: string;
	readonly name: string;
	readonly sql: string;
}

/**
 * Copies a live database of n8n's table by table, inside one read transaction: all of the copy is of one moment, whatever is
 * written meanwhile. In WAL mode (https://www.sqlite.org/wal.html#concurrency), which n8n always uses, neither waits for the other. What is left out is
 * never read, so a history of any size costs nothing.
 * @throws BackupError `DATABASE_IN_USE` (locked), `DATABASE_NOT_FOUND`, `ARTIFACT_DAMAGED`, `NO_SPACE`, `INVALID_INPUT`
 */
export async function copySqlite(options: CopySqliteOptions): Promise<void> {
	await withSqlite(options.source, { readOnly: true }, (source) => void source.prepare('SELECT count(*) FROM sqlite_schema').get());
	await withSqlite(options.target, { readOnly: false }, async (database) => {
		// Nobody needs the copy after a power cut.
		database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
		database.prepare('ATTACH ? AS source').run(`${pathToFileURL(options.source).href}?mode=ro`);
		database.exec('BEGIN');
		await fill(database, options);
		database.exec('COMMIT; DETACH source');
	});
}

async function fill(database: DatabaseSync, options: CopySqliteOptions): Promise<void> {
	const schema = database
		.prepare(`SELECT type, name, sql FROM source.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`)
		.all() as unknown as SchemaRow[];
	const tables = schema.filter((row) => row.type === 'table');
	const n8n = N8nTables.among(tables.map((table) => table.name), options.source);
	const leftOut = new Set(options.withoutHistory ? n8n.history : []);
	for (const table of tables) database.exec(table.sql);
	const copied = tables.filter((table) => !leftOut.has(table.name));
	for (const [done, table] of copied.entries()) {
		options.progress({ step: "Copying n8n's database", done, total: copied.length, unit: 'tables' });
		const condition = options.withoutHistory && table.name === n8n.named(EXECUTION_BINARY.table) ? `${quoteName(EXECUTION_BINARY.column)} <> '${EXECUTION_BINARY.value}'` : 'TRUE';
		await copyTable(database, table.name, condition, options.signal);
	}
	if (tables.some((table) => /\bAUTOINCREMENT\b/i.test(table.sql))) {
		// The history's numbers go on where they were, too.
		database.exec('DELETE FROM main.sqlite_sequence; INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence');
	}
	// Later than the rows: filling an index once is quicker, and no trigger shall fire for a copy.
	for (const row of schema) if (row.type !== 'table') database.exec(row.sql);
	if (leftOut.size > 0) removeDanglingRows(database, new Set([...leftOut, n8n.named(EXECUTION_BINARY.table)]));
}

async function copyTable(database: DatabaseSync, table: string, condition: string, signal: AbortSignal): Promise<void> {
	const name = quoteName(table);
	const columns = database.prepare(`SELECT name, type, pk FROM pragma_table_xinfo(?, 'source') WHERE hidden = 0`).all(table) as Array<{ name: string; type: string; pk: number }>;
	const keys = columns.filter((column) => column.pk > 0);
	const list = columns.map((column) => quoteName(column.name)).join(', ');
	const { wr: withoutRowid } = database.prepare(`SELECT wr FROM pragma_table_list WHERE schema = 'source' AND name = ?`).get(table) as { wr: number };
	if (withoutRowid === 1) {
		throwIfAborted(signal);
		database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM source.${name} WHERE ${condition}`);
		return;
	}
	// An INTEGER PRIMARY KEY is the rowid itself: https://www.sqlite.org/lang_createtable.html#rowid
	const isRowid = keys.length === 1 && keys[0]?.type.toUpperCase() === 'INTEGER';
	const target = isRowid ? list : `_rowid_, ${list}`;
	const end = database.prepare(`SELECT max(r) AS last FROM (SELECT _rowid_ AS r FROM source.${name} WHERE _rowid_ > ? ORDER BY _rowid_ LIMIT ${ROWS_A_STEP})`);
	const insert = database.prepare(`INSERT INTO main.${name} (${target}) SELECT ${target} FROM source.${name} WHERE _rowid_ > ? AND _rowid_ <= ? AND (${condition})`);
	end.setReadBigInts(true);
	for (let after = -(2n ** 63n); ; ) {
		throwIfAborted(signal);
		const { last } = end.get(after) as { last: bigint | null };
		if (last === null) return;
		insert.run(after, last);
		after = last;
		await breathe();
	}
}
