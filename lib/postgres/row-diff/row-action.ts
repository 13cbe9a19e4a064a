import { keyText } from './read-rows';
import { tableKey } from '../table-names';
import type { DiffTable } from './tables';
import type { KeptReason, RowValues } from './three-way';

/** What the patch does to one row. Settling takes columns away, or the whole of it. */
export interface RowAction {
	readonly table: DiffTable;
	readonly key: readonly string[];
	readonly kind: 'insert' | 'update' | 'delete';
	/** Its values in the live database, for the columns that rules of the database are about; undefined: there is no such row. */
	readonly live: RowValues | undefined;
	/** Just before the incident; undefined: there was no such row. */
	readonly before: RowValues | undefined;
	/** Places of the columns that an update puts back. */
	columns: readonly number[];
	/** What of the row stays as it is; of an insert or delete that is left out, all of it. */
	readonly kept: { readonly why: KeptReason; readonly columns: readonly number[] }[];
}

/** A name that no two rows of a database share. */
export function rowName(table: string, key: string): string {
	return table + key;
}

export function nameOf({ table, key }: RowAction): string {
	return rowName(tableKey(table), keyText(key));
}

/** Values of these columns as they are now. */
export function valuesNow({ table, live }: RowAction, names: readonly string[]): (string | null)[] {
	return placesOf(table, names).map((at) => live?.[at] ?? null);
}

/** Values of these columns once the patch has been applied. */
export function valuesThen(action: RowAction, names: readonly string[]): (string | null)[] {
	const { table, live, before, columns, kind } = action;
	return placesOf(table, names).map((at) => (kind === 'insert' || columns.includes(at) ? before?.[at] : live?.[at]) ?? null);
}

/** Whether the values that these columns hold now are gone afterwards. */
export function removes({ kind, table, columns }: RowAction, names: readonly string[]): boolean {
	return kind === 'delete' || (kind === 'update' && placesOf(table, names).some((at) => columns.includes(at)));
}

/** Whether these columns get values that they do not hold now. */
export function sets({ kind, table, columns }: RowAction, names: readonly string[]): boolean {
	return kind === 'insert' || (kind === 'update' && placesOf(table, names).some((at) => columns.includes(at)));
}

export function placesOf(table: DiffTable, names: readonly string[]): number[] {
	return names.map((name) => table.columns.findIndex((column) => column.name === name));
}
