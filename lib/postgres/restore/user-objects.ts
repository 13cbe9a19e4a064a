import type pg from 'pg';

/**
 * Whether the database of this session holds anything that a fresh one does not: relations, functions, types or schemas outside the system's
 * and outside extensions, or large objects.
 */
export async function hasUserObjects(client: pg.Client): Promise<boolean> {
	return (await describeUserObjects(client)) !== undefined;
}

/** A few of the objects there, for an error; undefined where there are none. */
export async function describeUserObjects(client: pg.Client): Promise<string | undefined> {
	const { rows } = await client.query<{ label: string }>(`
		WITH user_schemas AS (
			SELECT oid, nspname FROM pg_namespace
			WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
		), extension_members AS (
			SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
		), found AS (
			SELECT 'pg_class'::regclass AS class, c.oid, n.nspname || '.' || c.relname AS label
			FROM pg_class c JOIN user_schemas n ON n.oid = c.relnamespace WHERE c.relkind NOT IN ('i', 'I', 't')
			UNION ALL
			SELECT 'pg_proc'::regclass, p.oid, n.nspname || '.' || p.proname || '()' FROM pg_proc p JOIN user_schemas n ON n.oid = p.pronamespace
			UNION ALL
			SELECT 'pg_type'::regclass, t.oid, n.nspname || '.' || t.typname FROM pg_type t JOIN user_schemas n ON n.oid = t.typnamespace
			WHERE t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'b' AND t.typelem = 0)
			UNION ALL
			SELECT 'pg_namespace'::regclass, oid, 'schema ' || nspname FROM user_schemas WHERE nspname <> 'public'
			UNION ALL
			SELECT 'pg_largeobject_metadata'::regclass, oid, 'large object ' || oid FROM pg_largeobject_metadata
			UNION ALL
			SELECT 'pg_publication'::regclass, oid, 'publication ' || pubname FROM pg_publication
			UNION ALL
			SELECT 'pg_foreign_server'::regclass, oid, 'server ' || srvname FROM pg_foreign_server
			UNION ALL
			SELECT 'pg_event_trigger'::regclass, oid, 'event trigger ' || evtname FROM pg_event_trigger
		)
		SELECT label FROM found
		WHERE NOT EXISTS (SELECT FROM extension_members m WHERE m.classid = found.class AND m.objid = found.oid)
		LIMIT 5`);
	return rows.length === 0 ? undefined : rows.map((row) => row.label).join(', ');
}
