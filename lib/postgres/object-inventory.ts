import type pg from 'pg';

/**
 * Counts the objects outside extensions and system schemas by kind. A dump restored into an empty database, of the same or a
 * newer major version, gives the same counts; so kinds are left out that the server makes by itself (multirange types, not-null
 * constraints, copies of triggers and foreign keys on partitions), and `public` and `plpgsql`, which every database has.
 * https://www.postgresql.org/docs/current/catalogs.html
 */
export async function readObjectInventory(client: pg.Client): Promise<Record<string, number>> {
	const { rows } = await client.query<{ kind: string; count: string }>(INVENTORY);
	return Object.fromEntries(rows.map((row) => [row.kind, Number(row.count)]));
}

const INVENTORY = `
WITH member AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
namespace AS MATERIALIZED (
	SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
),
relation AS MATERIALIZED (
	SELECT c.oid, c.relkind FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
	WHERE c.relpersistence <> 't' AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
),
function AS MATERIALIZED (
	SELECT p.oid, p.prokind FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
	WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
),
type AS MATERIALIZED (
	SELECT t.oid, t.typtype, t.typrelid FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
	WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
		AND NOT EXISTS (SELECT FROM pg_type element WHERE element.typarray = t.oid)
		AND t.typisdefined
),
own(kind, classid, objid) AS (
	SELECT 'operator', 'pg_operator'::regclass, o.oid FROM pg_operator o JOIN namespace n ON n.oid = o.oprnamespace
	UNION ALL SELECT 'operator class', 'pg_opclass'::regclass, o.oid FROM pg_opclass o JOIN namespace n ON n.oid = o.opcnamespace
	UNION ALL SELECT 'operator family', 'pg_opfamily'::regclass, o.oid FROM pg_opfamily o JOIN namespace n ON n.oid = o.opfnamespace
	UNION ALL SELECT 'collation', 'pg_collation'::regclass, o.oid FROM pg_collation o JOIN namespace n ON n.oid = o.collnamespace
	UNION ALL SELECT 'conversion', 'pg_conversion'::regclass, o.oid FROM pg_conversion o JOIN namespace n ON n.oid = o.connamespace
	UNION ALL SELECT 'text search configuration', 'pg_ts_config'::regclass, o.oid FROM pg_ts_config o JOIN namespace n ON n.oid = o.cfgnamespace
	UNION ALL SELECT 'text search dictionary', 'pg_ts_dict'::regclass, o.oid FROM pg_ts_dict o JOIN namespace n ON n.oid = o.dictnamespace
	UNION ALL SELECT 'text search parser', 'pg_ts_parser'::regclass, o.oid FROM pg_ts_parser o JOIN namespace n ON n.oid = o.prsnamespace
	UNION ALL SELECT 'text search template', 'pg_ts_template'::regclass, o.oid FROM pg_ts_template o JOIN namespace n ON n.oid = o.tmplnamespace
	UNION ALL SELECT 'statistics', 'pg_statistic_ext'::regclass, o.oid FROM pg_statistic_ext o JOIN namespace n ON n.oid = o.stxnamespace
	UNION ALL SELECT 'cast', 'pg_cast'::regclass, o.oid FROM pg_cast o WHERE o.oid >= 16384
	UNION ALL SELECT 'language', 'pg_language'::regclass, o.oid FROM pg_language o WHERE o.oid >= 16384
	UNION ALL SELECT 'transform', 'pg_transform'::regclass, o.oid FROM pg_transform o WHERE o.oid >= 16384
	UNION ALL SELECT 'access method', 'pg_am'::regclass, o.oid FROM pg_am o WHERE o.oid >= 16384
	UNION ALL SELECT 'foreign-data wrapper', 'pg_foreign_data_wrapper'::regclass, o.oid FROM pg_foreign_data_wrapper o
	UNION ALL SELECT 'foreign server', 'pg_foreign_server'::regclass, o.oid FROM pg_foreign_server o
	UNION ALL SELECT 'event trigger', 'pg_event_trigger'::regclass, o.oid FROM pg_event_trigger o
	UNION ALL SELECT 'publication', 'pg_publication'::regclass, o.oid FROM pg_publication o
	UNION ALL SELECT 'schema', 'pg_namespace'::regclass, o.oid FROM namespace o WHERE o.nspname <> 'public'
),
counted(kind) AS (
	SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
		WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END
	FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
	UNION ALL SELECT 'column' FROM pg_attribute a JOIN relation r ON r.oid = a.attrelid
		WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT 'index' FROM pg_index i JOIN relation r ON r.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indisvalid OR c.relkind = 'I'
	UNION ALL SELECT CASE c.contype WHEN 'c' THEN 'check constraint' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key'
			WHEN 'u' THEN 'unique constraint' WHEN 'x' THEN 'exclusion constraint' WHEN 't' THEN 'constraint trigger' END
		FROM pg_constraint c
		WHERE c.contype IN ('c', 'f', 'p', 'u', 'x', 't') AND c.conparentid = 0
			AND (EXISTS (SELECT FROM relation r WHERE r.oid = c.conrelid) OR EXISTS (SELECT FROM type t WHERE t.oid = c.contypid))
	UNION ALL SELECT 'trigger' FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgparentid = 0
	UNION ALL SELECT 'rule' FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
	UNION ALL SELECT 'policy' FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
	UNION ALL SELECT 'inheritance' FROM pg_inherits i JOIN relation r ON r.oid = i.inhrelid WHERE r.relkind IN ('r', 'p', 'f')
	UNION ALL SELECT 'published table' FROM pg_publication_rel p JOIN relation r ON r.oid = p.prrelid
	UNION ALL SELECT CASE prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' END FROM function
	UNION ALL SELECT CASE t.typtype WHEN 'b' THEN 'base type' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range type' WHEN 'c' THEN 'composite type' END
		FROM type t LEFT JOIN pg_class c ON c.oid = t.typrelid
		WHERE t.typtype IN ('b', 'd', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
	UNION ALL SELECT 'enum label' FROM pg_enum e JOIN type t ON t.oid = e.enumtypid
	UNION ALL SELECT 'extension' FROM pg_extension WHERE extname <> 'plpgsql'
	UNION ALL SELECT 'user mapping' FROM pg_user_mappings
	UNION ALL SELECT 'comment' FROM pg_description d
		WHERE (d.classoid = 'pg_class'::regclass AND EXISTS (SELECT FROM relation r WHERE r.oid = d.objoid AND r.relkind <> 'i'))
			OR (d.classoid = 'pg_proc'::regclass AND EXISTS (SELECT FROM function f WHERE f.oid = d.objoid))
			OR (d.classoid = 'pg_type'::regclass AND EXISTS (SELECT FROM type t WHERE t.oid = d.objoid))
			OR (d.classoid = 'pg_largeobject'::regclass)
	UNION ALL SELECT own.kind FROM own WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = own.classid AND m.objid = own.objid)
)
SELECT kind, count(*) AS count FROM counted GROUP BY kind ORDER BY kind COLLATE "C"`;
