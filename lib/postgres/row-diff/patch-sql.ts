import pg from 'pg';
import { quoteTable } from '../table-names';
import type { ForeignKey } from './foreign-keys';
import type { DiffTable } from './tables';
import type { RowValues } from './three-way';

/** A literal that stays on its line, so that every statement of a patch is one line. */
export function literal(value: string | null): string {
	if (value === null) return 'NULL';
	if (!/[\n\r]/.test(value)) return pg.escapeLiteral(value).trimStart();
	return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}

/** What a table is called in a statement: its own rows, or those of all of its partitions. */
export function target(table: DiffTable): string {
	return `${table.partitioned ? '' : 'ONLY '}${quoteTable(table)}`;
}

const quoted = (name: string): string => pg.escapeIdentifier(name);

export function insertSql(table: DiffTable, row: RowValues): string {
	return `INSERT INTO ${quoteTable(table)} (${table.columns.map(({ name }) => quoted(name)).join(', ')}) OVERRIDING SYSTEM VALUE VALUES (${row.map(literal).join(', ')});`;
}

/** Only where the values are still as the incident left them, and where nothing refers to one that goes. */
export function updateSql(table: DiffTable, columns: readonly number[], before: RowValues, after: RowValues, referring: readonly ForeignKey[]): string {
	const sets = columns.map((at) => `${columnName(table, at)} = ${literal(before[at] ?? null)}`);
	const stillWrecked = columns.map((at) => unchanged(table, at, after));
	const changed = new Set(columns.map((at) => table.columns[at]?.name));
	const guards = referring.filter(({ parentColumns }) => parentColumns.some((name) => changed.has(name))).map((foreign) => notReferredTo(table, foreign));
	return `UPDATE ${target(table)} AS t SET ${sets.join(', ')} WHERE ${[keyCondition(table, before), ...stillWrecked, ...guards].join(' AND ')};`;
}

/** Only where the row is still as the incident left it, and where nothing refers to it: it would go or change with it, unseen. */
export function deleteSql(table: DiffTable, after: RowValues, referring: readonly ForeignKey[]): string {
	const still = table.columns.map((_, at) => unchanged(table, at, after));
	const alone = referring.map((foreign) => notReferredTo(table, foreign));
	return `DELETE FROM ${target(table)} AS t WHERE ${[keyCondition(table, after), ...still, ...alone].join(' AND ')};`;
}

/** A row may refer to itself. */
function notReferredTo(table: DiffTable, foreign: ForeignKey): string {
	const same = foreign.columns.map((column, at) => `c.${quoted(column)} = t.${quoted(foreign.parentColumns[at] ?? '')}`);
	const row = (alias: string) => `ROW(${table.key.map((name) => `${alias}.${quoted(name)}`).join(', ')})`;
	const other = foreign.schema === table.schema && foreign.table === table.name ? [`${row('c')} IS DISTINCT FROM ${row('t')}`] : [];
	return `NOT EXISTS (SELECT FROM ${quoteTable({ schema: foreign.schema, name: foreign.table })} AS c WHERE ${[...same, ...other].join(' AND ')})`;
}

/** Triggers of the application would change what is put back, e.g. a column updated_at. */
export function triggersSql(tables: readonly DiffTable[]): { readonly off: string[]; readonly on: string[] } {
	const all = tables.flatMap((table) => table.triggers.map((trigger) => ({ table: quoteTable({ schema: trigger.schema, name: trigger.table }), trigger })));
	return {
		off: all.map(({ table, trigger }) => `ALTER TABLE ${table} DISABLE TRIGGER ${quoted(trigger.name)};`),
		on: all.map(({ table, trigger }) => `ALTER TABLE ${table} ENABLE ${trigger.enabled === 'A' ? 'ALWAYS ' : ''}TRIGGER ${quoted(trigger.name)};`),
	};
}

/** Foreign keys that no order of statements can respect are checked at the end of the transaction. */
export function deferSql(foreignKeys: readonly ForeignKey[]): { readonly off: string[]; readonly on: string[] } {
	const fixed = foreignKeys.filter(({ deferrable }) => !deferrable).map((foreign) => `ALTER TABLE ${quoteTable({ schema: foreign.ownSchema, name: foreign.ownTable })} ALTER CONSTRAINT ${quoted(foreign.name)}`);
	return { off: fixed.map((start) => `${start} DEFERRABLE INITIALLY DEFERRED;`), on: fixed.map((start) => `${start} NOT DEFERRABLE;`) };
}

function keyCondition(table: DiffTable, row: RowValues): string {
	return table.key.map((name) => `${quoted(name)} = ${literal(row[table.columns.findIndex((column) => column.name === name)] ?? null)}`).join(' AND ');
}

/** As text: some types (json, point) know no equality. */
function unchanged(table: DiffTable, at: number, row: RowValues): string {
	return `${columnName(table, at)}::text IS NOT DISTINCT FROM ${literal(row[at] ?? null)}`;
}

function columnName(table: DiffTable, at: number): string {
	return quoted(table.columns[at]?.name ?? '');
}
