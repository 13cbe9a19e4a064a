import type pg from 'pg';
import type { TableName } from '../catalog/postgres-manifest';
import { BackupError } from '../core/errors';
import { nearNames } from './near-names';
import { displayTable, quoteTable, tableKey } from './table-names';
import { escapeIdentifier, escapeLiteral } from 'pg';

export interface ChangeWindow {
	/** The column that tells when a row changed. */
	readonly column: string;
	/** ISO moments: rows with `from <= column < to`. */
	readonly from: string;
	readonly to: string;
}

/** A table whose changed rows can be extracted. */
export interface ExtractedTable extends TableName {
	/** Columns in the table's order, without generated ones, which COPY cannot take back. */
	readonly columns: readonly string[];
}

interface CandidateRow {
	readonly schema: string;
	readonly name: string;
	readonly columns: string[];
	/** Type of the column that tells the time, or null where there is none. */
	readonly type: string | null;
	readonly typeName: string | null;
	readonly readable: boolean;
	readonly filtered: boolean;
}

const TIME_TYPES = ['timestamp without time zone', 'timestamp with time zone', 'date'];

/**
 * Checks all chosen tables before anything is read from one.
 * @throws BackupError `TABLE_NOT_FOUND`, `COLUMN_NOT_FOUND` (naming every table without it, or with one of another type),
 *   `PERMISSION_DENIED`
 */
export async function checkExtractedTables(
	client: pg.Client,
	tables: readonly TableName[],
	window: ChangeWindow,
	user: string,
): Promise<ExtractedTable[]> {
	const { rows } = await client.query<CandidateRow>(CANDIDATES, [window.column]);
	const byKey = new Map(rows.map((row) => [tableKey(row), row]));
	const wanted = [...new Map(tables.map((table) => [tableKey(table), table])).values()];
	const missing = wanted.filter((table) => !byKey.has(tableKey(table)));
	if (missing.length > 0) {
		const near = missing.flatMap((table) => nearNames(displayTable(table), rows.map(displayTable)));
		const hint = near.length > 0 ? `Did you mean ${[...new Set(near)].join(', ')}? ` : '';
		throw new BackupError(
			'TABLE_NOT_FOUND',
			`There is no table ${missing.map(displayTable).join(', ')} in this database.`,
			`${hint}Upper and lower case count.`,
		);
	}
	const found = wanted.flatMap((table) => byKey.get(tableKey(table)) ?? []);
	const without = found.filter((row) => row.type === null).map(displayTable);
	const mistyped = found
		.filter((row) => row.type !== null && !TIME_TYPES.includes(row.type))
		.map((row) => `${displayTable(row)} (${row.typeName})`);
	if (without.length + mistyped.length > 0) {
		const parts = [
			...(without.length > 0 ? [`These tables have no column "${window.column}": ${without.join(', ')}.`] : []),
			...(mistyped.length > 0 ? [`In these it is no timestamp or date: ${mistyped.join(', ')}.`] : []),
		];
		throw new BackupError(
			'COLUMN_NOT_FOUND',
			parts.join(' '),
			'Leave these tables out, or extract them by a column that they have, in a run of their own.',
		);
	}
	const refused = found.filter((row) => !row.readable || row.filtered).map(displayTable);
	if (refused.length > 0) {
		throw new BackupError(
			'PERMISSION_DENIED',
			`The role "${user}" may not read all rows of ${refused.join(', ')}.`,
			`GRANT SELECT on them (and USAGE on their schemas) to it; where a policy hides rows from it, give it BYPASSRLS.`,
		);
	}
	return found.map(({ schema, name, columns }) => ({ schema, name, columns }));
}

/**
 * The query whose result is extracted: a table's rows in the window, those of its partitions and of tables that inherit from it
 * included. Times without a zone are read as UTC.
 */
export function changedRowsCopy(table: ExtractedTable, window: ChangeWindow): string {
	const column = escapeIdentifier(window.column);
	const list = table.columns.map((name) => escapeIdentifier(name)).join(', ');
	const moment = (iso: string) => `${escapeLiteral(iso)}::pg_catalog.timestamptz`;
	return `COPY (SELECT ${list} FROM ${quoteTable(table)} WHERE ${column} >= ${moment(window.from)} AND ${column} < ${moment(window.to)}) TO STDOUT`;
}

const CANDIDATES = `
SELECT n.nspname AS schema, c.relname AS name,
	ARRAY(
		SELECT a.attname::text FROM pg_attribute a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
	) AS columns,
	format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL) AS type,
	format_type(t.oid, NULL) AS "typeName",
	has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable,
	row_security_active(c.oid) AS filtered
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute chosen ON chosen.attrelid = c.oid AND chosen.attname = $1 AND chosen.attnum > 0 AND NOT chosen.attisdropped
LEFT JOIN pg_type t ON t.oid = chosen.atttypid
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;
