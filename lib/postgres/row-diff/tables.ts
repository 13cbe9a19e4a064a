import type pg from 'pg';
import { parentsFirst, type ForeignKey } from './foreign-keys';

export interface DiffColumn {
	readonly name: string;
	/** With its schema, as `format_type` writes it where nothing is on the search path. */
	readonly type: string;
}

/** Columns of which no two rows may hold the same values. */
export interface UniqueRule {
	readonly columns: readonly string[];
	/** Checked row by row, and not at the end of the transaction. */
	readonly immediate: boolean;
	/** NULL counts as a value. */
	readonly nullsEqual: boolean;
}

/** A table whose rows can be told apart. */
export interface DiffTable {
	readonly schema: string;
	readonly name: string;
	/** Rows are those of its partitions. */
	readonly partitioned: boolean;
	/** Stored columns, in the table's order. */
	readonly columns: readonly DiffColumn[];
	/** Names of the primary key's columns, or those of another unique key without NULLs; empty: rows cannot be told apart. */
	readonly key: readonly string[];
	/** Without those of a part of the rows, or of expressions. */
	readonly uniques: readonly UniqueRule[];
	/** Triggers that would fire, those that only a partition has among them, and how each is enabled (`O` or `A`). */
	readonly triggers: readonly { readonly schema: string; readonly table: string; readonly name: string; readonly enabled: 'O' | 'A' }[];
}

/** Tables and foreign keys of a database, tables that others refer to first. */
export interface DiffSchema {
	readonly tables: readonly DiffTable[];
	readonly foreignKeys: readonly ForeignKey[];
}

/** Reads what a database's tables are, leaving out partitions (their rows are their table's) and what belongs to extensions. */
export async function readDiffSchema(client: pg.Client): Promise<DiffSchema> {
	const { rows: tables } = await client.query<DiffTable>(TABLES);
	const { rows: foreignKeys } = await client.query<ForeignKey>(FOREIGN_KEYS);
	return { tables: parentsFirst(tables, foreignKeys), foreignKeys };
}

const TABLES = `
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
	(SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]')
		FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
	coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, place)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE k.place <= i.indnkeyatts), '{}') AS key,
	(SELECT coalesce(json_agg(json_build_object('columns', ARRAY(SELECT a.attname::text FROM unnest(x.indkey::int[]) WITH ORDINALITY AS k(attnum, place)
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE k.place <= x.indnkeyatts ORDER BY k.place),
			'immediate', x.indimmediate, 'nullsEqual', coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false)) ORDER BY x.indexrelid), '[]')
		FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL
			AND NOT EXISTS (SELECT FROM unnest(x.indkey::int[]) AS k(attnum) JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE a.attgenerated <> '')) AS uniques,
	(SELECT coalesce(json_agg(json_build_object('schema', tn.nspname, 'table', tc.relname, 'name', t.tgname, 'enabled', t.tgenabled) ORDER BY tc.oid <> c.oid, tn.nspname, tc.relname, t.tgname), '[]')
		FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class tc ON tc.oid = t.tgrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
		WHERE (tc.oid = c.oid OR t.tgparentid = 0 AND tc.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid))) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')) AS triggers
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
	SELECT x.indkey, x.indnkeyatts FROM pg_catalog.pg_index x
	WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indimmediate AND x.indpred IS NULL AND x.indexprs IS NULL
		AND NOT EXISTS (SELECT FROM unnest(x.indkey::int[]) AS k(attnum) JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE NOT a.attnotnull OR a.attgenerated <> '')
	ORDER BY x.indisprimary DESC, x.indnatts, x.indexrelid LIMIT 1
) i ON true
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
	AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

const FOREIGN_KEYS = `
SELECT f.conname AS name, n.nspname AS schema, c.relname AS table, fn.nspname AS "ownSchema", fc.relname AS "ownTable", pn.nspname AS "parentSchema", p.relname AS "parentTable", f.condeferrable AS deferrable,
	ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum ORDER BY k.place) AS columns,
	ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum ORDER BY k.place) AS "parentColumns"
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_catalog.pg_partition_root(f.conrelid), f.conrelid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = coalesce(pg_catalog.pg_partition_root(f.confrelid), f.confrelid) JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class fc ON fc.oid = f.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY 2, 3, 1`;
