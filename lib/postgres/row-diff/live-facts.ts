import pg from 'pg';
import { quoteTable, tableKey } from '../table-names';
import { childOf, type ForeignKey, parentOf } from './foreign-keys';
import { keyText } from './read-rows';
import { nameOf, removes, rowName, type RowAction, sets, valuesNow, valuesThen } from './row-action';
import type { DiffSchema, DiffTable, UniqueRule } from './tables';

/** Rows of the live database that bear on what a patch does to one row, each by its `rowName`. */
export interface LiveFacts {
	/** Those that refer to values that go. */
	readonly referrers: readonly { readonly foreign: ForeignKey; readonly row: string }[];
	/** Those that it would refer to, for each foreign key whose columns get values. */
	readonly parents: ReadonlyMap<ForeignKey, readonly string[]>;
	/** Other rows that hold the values that it gets, for each unique rule. */
	readonly holders: ReadonlyMap<UniqueRule, readonly string[]>;
}

type Values = readonly (string | null)[];
interface Asked {
	readonly action: RowAction;
	readonly values: Values;
}

/** Looks up facts on actions of one table, in the session's transaction. */
export async function readFacts(client: pg.Client, schema: DiffSchema, table: DiffTable, actions: readonly RowAction[]): Promise<Map<RowAction, LiveFacts>> {
	const found = new Map(actions.map((action) => [action, { referrers: [] as { foreign: ForeignKey; row: string }[], parents: new Map<ForeignKey, string[]>(), holders: new Map<UniqueRule, string[]>() }]));
	const tables = new Map(schema.tables.map((each) => [tableKey(each), each]));
	const own = tableKey(table);
	const complete = ({ values }: Asked) => values.every((value) => value !== null);
	for (const foreign of schema.foreignKeys) {
		if (parentOf(foreign) === own) {
			const asked = actions.filter((action) => removes(action, foreign.parentColumns)).map((action) => ({ action, values: valuesNow(action, foreign.parentColumns) }));
			const place = { table: { schema: foreign.schema, name: foreign.table }, key: tables.get(childOf(foreign))?.key ?? [], columns: foreign.columns, types: typesOf(table, foreign.parentColumns) };
			for (const [action, row] of await rowsWith(client, place, asked.filter(complete), '=')) found.get(action)?.referrers.push({ foreign, row });
		}
		if (childOf(foreign) === own) {
			const asked = actions.filter((action) => sets(action, foreign.columns)).map((action) => ({ action, values: valuesThen(action, foreign.columns) }));
			const place = { table: { schema: foreign.parentSchema, name: foreign.parentTable }, key: tables.get(parentOf(foreign))?.key ?? [], columns: foreign.parentColumns, types: typesOf(table, foreign.columns) };
			for (const [action, row] of await rowsWith(client, place, asked.filter(complete), '=')) add(found.get(action)?.parents, foreign, row);
		}
	}
	for (const rule of table.uniques) {
		const asked = actions.filter((action) => sets(action, rule.columns)).map((action) => ({ action, values: valuesThen(action, rule.columns) }));
		const place = { table, key: table.key, columns: rule.columns, types: typesOf(table, rule.columns) };
		for (const [action, row] of await rowsWith(client, place, rule.nullsEqual ? asked : asked.filter(complete), rule.nullsEqual ? 'IS NOT DISTINCT FROM' : '=')) if (row !== nameOf(action)) add(found.get(action)?.holders, rule, row);
	}
	return found;
}

function add<K>(map: Map<K, string[]> | undefined, key: K, row: string): void {
	map?.set(key, [...(map.get(key) ?? []), row]);
}

interface Place {
	readonly table: { readonly schema: string; readonly name: string };
	/** Empty: its rows have no name, and count as rows that stay. */
	readonly key: readonly string[];
	readonly columns: readonly string[];
	readonly types: readonly string[];
}

/** Rows of a table with the values asked for. */
async function rowsWith(client: pg.Client, place: Place, asked: readonly Asked[], operator: '=' | 'IS NOT DISTINCT FROM'): Promise<[RowAction, string][]> {
	if (asked.length === 0) return [];
	const key = place.key.length === 0 ? "'{}'::text[]" : `ARRAY[${place.key.map((name) => `r.${pg.escapeIdentifier(name)}::text`).join(', ')}]`;
	const wanted = place.columns.map((name, at) => `r.${pg.escapeIdentifier(name)} ${operator} w.k${at}::${place.types[at]}`);
	const lists = ['$1::int[]', ...place.columns.map((_, at) => `$${at + 2}::text[]`)];
	const { rows } = await client.query<{ at: number; key: string[] }>(
		`SELECT w.at, ${key} AS key FROM unnest(${lists.join(', ')}) AS w(at, ${place.columns.map((_, at) => `k${at}`).join(', ')}) JOIN ${quoteTable(place.table)} AS r ON ${wanted.join(' AND ')}`,
		[asked.map((_, at) => at), ...place.columns.map((_, column) => asked.map(({ values }) => values[column]))],
	);
	const name = tableKey(place.table);
	return rows.flatMap(({ at, key: text }) => {
		const action = asked[at]?.action;
		return action ? [[action, rowName(name, keyText(text))] as [RowAction, string]] : [];
	});
}

function typesOf(table: DiffTable, names: readonly string[]): string[] {
	return names.map((name) => table.columns.find((column) => column.name === name)?.type ?? 'text');
}
