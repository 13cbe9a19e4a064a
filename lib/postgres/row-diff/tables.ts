import type pg from 'pg';
import { throughCycles, parentsFirst, type ForeignKey } from './foreign-keys';

export interface DiffColumn {
	readonly name: string;
	/** With its schema, as `format_type` writes it where nothing is on the search path. */
	readonly type: string;
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
	/** Triggers that would fire, and how each is enabled (`O` or `A`). */
	readonly triggers: readonly { readonly name: string; readonly enabled: 'O' | 'A' }[];
}

/** Tables and foreign keys of a database, tables that others refer to first. */
export interface DiffSchema {
	readonly tables: readonly DiffTable[];
	readonly foreignKeys: readonly ForeignKey[];
	/** Those whose order no sequence of tables can respect. */
	readonly cyclic: readonly ForeignKey[];
}

/** Reads what a database's tables are, leaving out partitions (their rows are their table's) and what belongs to extensions. */
export async function readDiffSchema(client: pg.Client): Promise<DiffSchema> {
	const { rows: tables } = await client.query<DiffTable>(TABLES);
	const { rows: foreignKeys } = await client.query<ForeignKey>(FOREIGN_KEYS);
	const cyclic = throughCycles(foreignKeys);
	return { tables: parentsFirst(tables, foreignKeys), foreignKeys, cyclic };
}

const TABLES = `
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
	(SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]')
		FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
	coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, place)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE k.place <= i.indnkeyatts), '{}') AS key,
	(SELECT coalesce(json_agg(json_build_object('name', t.tgname, 'enabled', t.tgenabled) ORDER BY t.tgname), '[]')
		FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')) AS triggers
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
SELECT f.conname AS name, n.nspname AS schema, c.relname AS table, pn.nspname AS "parentSchema", p.relname AS "parentTable", f.condeferrable AS deferrable,
	f.confdeltype <> 'a' AND f.confdeltype <> 'r' AS "deletesReach",
	ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.place) AS columns,
	ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid AND a.attnum = k.attnum ORDER BY k.place) AS "parentColumns"
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = f.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY 2, 3, 1`;
