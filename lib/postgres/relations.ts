import type pg from 'pg';

/** `pg_class.relkind` of what a dump is selected by. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f' | 'S';

/** A relation outside the system schemas. */
export interface Relation {
	readonly oid: string;
	readonly schema: string;
	readonly name: string;
	readonly kind: RelationKind;
	readonly isPartition: boolean;
	/** Oids of what it is a partition of or inherits from. */
	readonly parents: readonly string[];
	/** The extension that it belongs to; such relations come back with CREATE EXTENSION and are not dumped. */
	readonly extension: string | null;
	/** For a table whose rows an extension wants dumped nevertheless: its condition, `WHERE …` or empty. */
	readonly extensionCondition: string | null;
	/** Names of its columns that are computed when read (PostgreSQL 18). */
	readonly hasVirtualColumns: boolean;
	/** Columns that are stored, in the table's order; only where some are virtual. */
	readonly storedColumns: readonly string[] | null;
}

/**
 * Every table, partitioned table, view, materialised view, foreign table and sequence outside the system schemas and other
 * sessions' temporary ones, by schema and name. `pg_inherits` and `pg_extension` are described in
 * https://www.postgresql.org/docs/current/catalogs.html
 */
export async function listRelations(client: pg.Client): Promise<Relation[]> {
	const { rows } = await client.query<Relation>(RELATIONS);
	return rows;
}

/** Whether it is a table that a dump carries rows of. */
export function holdsRows(relation: Relation): boolean {
	return relation.kind === 'r' && (relation.extension === null || relation.extensionCondition !== null);
}

const RELATIONS = `
SELECT c.oid::text, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relispartition AS "isPartition",
	ARRAY(SELECT i.inhparent::text FROM pg_inherits i WHERE i.inhrelid = c.oid) AS parents,
	e.extname AS extension,
	CASE WHEN config.position IS NOT NULL THEN coalesce(e.extcondition[config.position], '') END AS "extensionCondition",
	columns.virtual AS "hasVirtualColumns",
	CASE WHEN columns.virtual THEN columns.stored END AS "storedColumns"
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid
LEFT JOIN LATERAL (SELECT array_position(e.extconfig, c.oid) AS position) config ON true
LEFT JOIN LATERAL (
	SELECT coalesce(bool_or(a.attgenerated = 'v'), false) AS virtual,
		array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated <> 'v') AS stored
	FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) columns ON true
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
	AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;
