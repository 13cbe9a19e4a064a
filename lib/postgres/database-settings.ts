import type pg from 'pg';
import type { DatabaseSettings } from '../catalog/postgres-manifest';
import { BackupError } from '../core/errors';

/**
 * Reads what a dump of the current database does not carry (its own settings) or needs to find before it is restored
 * (extensions, roles). Grantees are role names, or `public` (which no role can be called) for everybody.
 */
export async function readDatabaseSettings(client: pg.Client): Promise<DatabaseSettings> {
	const { hasPrivileges, ...database } = await readDatabase(client);
	const { rows: configured } = await client.query<{ role: string | null; entry: string }>(CONFIGURATION);
	const { rows: privileges } = await client.query<{ grantee: string; grantor: string; privilege: string; grantable: boolean }>(
		PRIVILEGES,
	);
	const { rows: extensions } = await client.query<{ name: string; version: string; schema: string }>(EXTENSIONS);
	const { rows: roles } = await client.query<{ name: string }>(ROLES);
	return {
		...database,
		localeProvider: LOCALE_PROVIDERS[database.localeProvider] ?? 'libc',
		databaseBytes: Number(database.databaseBytes),
		configuration: configured.filter((row) => row.role === null).map((row) => splitEntry(row.entry)),
		roleConfiguration: configured.flatMap((row) => (row.role === null ? [] : [{ role: row.role, ...splitEntry(row.entry) }])),
		privileges: hasPrivileges ? privileges : null,
		extensions,
		roles: roles.map((row) => row.name),
	};
}

const LOCALE_PROVIDERS: Readonly<Record<string, DatabaseSettings['localeProvider']>> = {
	c: 'libc',
	d: 'libc',
	i: 'icu',
	b: 'builtin',
};

interface DatabaseRow {
	readonly name: string;
	readonly owner: string;
	readonly encoding: string;
	readonly localeProvider: string;
	readonly collate: string;
	readonly ctype: string;
	readonly locale: string | null;
	readonly icuRules: string | null;
	readonly collationVersion: string | null;
	readonly tablespace: string;
	readonly connectionLimit: number;
	readonly isTemplate: boolean;
	readonly comment: string | null;
	readonly hasPrivileges: boolean;
	readonly databaseBytes: string;
}

async function readDatabase(client: pg.Client): Promise<DatabaseRow> {
	// pg_database has other columns in each major version; to_jsonb gives null for those that are not there.
	const { rows } = await client.query<DatabaseRow>(DATABASE);
	const row = rows[0];
	if (!row) throw new BackupError('INTERNAL', 'The current database is not in pg_database.', 'Report this as a bug.');
	return row;
}

/** `name=value`, as pg_db_role_setting keeps it; the value may hold `=`. */
function splitEntry(entry: string): { name: string; value: string } {
	const at = entry.indexOf('=');
	return { name: entry.slice(0, at), value: entry.slice(at + 1) };
}

/** https://www.postgresql.org/docs/current/catalog-pg-database.html; `daticulocale` (15, 16) became `datlocale` in 17. */
const DATABASE = `
SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding,
	coalesce(j ->> 'datlocprovider', 'c') AS "localeProvider", d.datcollate::text AS collate, d.datctype::text AS ctype,
	coalesce(j ->> 'datlocale', j ->> 'daticulocale') AS locale, j ->> 'daticurules' AS "icuRules",
	j ->> 'datcollversion' AS "collationVersion", t.spcname AS tablespace, d.datconnlimit AS "connectionLimit",
	d.datistemplate AS "isTemplate", shobj_description(d.oid, 'pg_database') AS comment,
	d.datacl IS NOT NULL AS "hasPrivileges", pg_database_size(d.oid) AS "databaseBytes"
FROM pg_database d
JOIN pg_tablespace t ON t.oid = d.dattablespace
CROSS JOIN LATERAL (SELECT to_jsonb(d) AS j) AS json
WHERE d.datname = current_database()`;

const CONFIGURATION = `
SELECT r.rolname AS role, entry
FROM pg_db_role_setting s
JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) WITH ORDINALITY AS c(entry, position)
ORDER BY s.setrole, c.position`;

const PRIVILEGES = `
SELECT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS grantee, pg_get_userbyid(a.grantor) AS grantor,
	a.privilege_type AS privilege, a.is_grantable AS grantable
FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) AS a
WHERE d.datname = current_database()
ORDER BY 1, 2, 3`;

const EXTENSIONS = `
SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.extname COLLATE "C"`;

/**
 * Roles that own something in this database or are named in a privilege or policy, by pg_shdepend; and the one that initdb
 * made, on which dependencies are not recorded. Predefined roles (`pg_…`) are there on every server.
 */
const ROLES = `
WITH mentioned(oid) AS (
	SELECT s.refobjid FROM pg_shdepend s JOIN pg_database d ON d.datname = current_database()
	WHERE s.refclassid = 'pg_authid'::regclass
		AND (s.dbid = d.oid OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid))
	UNION SELECT datdba FROM pg_database WHERE datname = current_database()
	UNION SELECT relowner FROM pg_class WHERE relowner = 10 AND oid >= 16384
	UNION SELECT proowner FROM pg_proc WHERE proowner = 10 AND oid >= 16384
	UNION SELECT typowner FROM pg_type WHERE typowner = 10 AND oid >= 16384
	UNION SELECT nspowner FROM pg_namespace WHERE nspowner = 10 AND oid >= 16384
	UNION SELECT lomowner FROM pg_largeobject_metadata WHERE lomowner = 10
	UNION SELECT s.setrole FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
)
SELECT r.rolname AS name FROM pg_roles r JOIN mentioned m ON m.oid = r.oid
WHERE r.rolname NOT LIKE 'pg\\_%'
ORDER BY r.rolname COLLATE "C"`;
