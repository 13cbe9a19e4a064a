import type pg from 'pg';
import { BackupError } from '../../core/errors';

/** A database of the target server, as far as a restore must know it. */
export interface TargetDatabase {
	readonly name: string;
	readonly oid: number;
	readonly comment: string | null;
	readonly encoding: string;
	readonly collate: string;
	readonly ctype: string;
	readonly isTemplate: boolean;
	readonly allowsConnections: boolean;
	readonly connectionLimit: number;
	/** Whether our role owns it, directly or as a member of the owner. */
	readonly owned: boolean;
}

/** What a restore must know of the server that it restores to. */
export interface TargetServer {
	/** As the server says it: `15.18 (Debian …)`. */
	readonly version: string;
	readonly major: number;
	readonly user: string;
	readonly superuser: boolean;
	readonly mayCreateDatabases: boolean;
	readonly mayCreateRoles: boolean;
	/** Whether our role may end other roles' sessions. */
	readonly mayEndSessions: boolean;
	readonly databases: ReadonlyMap<string, TargetDatabase>;
	readonly roles: ReadonlySet<string>;
	/** Roles that our role may act as. */
	readonly memberOf: ReadonlySet<string>;
	readonly tablespaces: ReadonlySet<string>;
	/** Versions of each extension that could be created. */
	readonly extensions: ReadonlyMap<string, readonly string[]>;
	/** Bytes; of one session. */
	readonly maintenanceWorkMemory: number;
	/** The data folder, where our role may see it and the server answered from the loopback address. */
	readonly localDataFolder: string | undefined;
}

/** Reads it all in a few queries. */
export async function readTargetServer(client: pg.Client): Promise<TargetServer> {
	const { rows } = await client.query<{
		version: string;
		number: number;
		user: string;
		superuser: boolean;
		createdb: boolean;
		createrole: boolean;
		signals: boolean;
		memory: string;
		folder: string | null;
		loopback: boolean;
	}>(`
		SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number, current_user AS user,
			r.rolsuper AS superuser, r.rolcreatedb AS createdb, r.rolcreaterole AS createrole,
			r.rolsuper OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS signals,
			(SELECT setting::bigint * 1024 FROM pg_settings WHERE name = 'maintenance_work_mem')::text AS memory,
			CASE WHEN r.rolsuper OR pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') THEN current_setting('data_directory', true) END AS folder,
			inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1' AS loopback
		FROM pg_roles r WHERE r.rolname = current_user`);
	const own = rows[0];
	if (!own) throw new BackupError('INTERNAL', "The session's role is not among the server's roles.", 'Connect again.');
	const roles = await client.query<{ name: string; member: boolean }>(`SELECT rolname AS name, pg_has_role(current_user, oid, 'MEMBER') AS member FROM pg_roles`);
	const tablespaces = await client.query<{ name: string }>('SELECT spcname AS name FROM pg_tablespace');
	const extensions = await client.query<{ name: string; versions: string[] }>(
		'SELECT name, array_agg(version) AS versions FROM pg_available_extension_versions GROUP BY name',
	);
	return {
		version: own.version,
		major: Math.floor(own.number / 10_000),
		user: own.user,
		superuser: own.superuser,
		mayCreateDatabases: own.superuser || own.createdb,
		mayCreateRoles: own.superuser || own.createrole,
		mayEndSessions: own.signals,
		databases: await readDatabases(client),
		roles: new Set(roles.rows.map((row) => row.name)),
		memberOf: new Set(roles.rows.filter((row) => row.member).map((row) => row.name)),
		tablespaces: new Set(tablespaces.rows.map((row) => row.name)),
		extensions: new Map(extensions.rows.map((row) => [row.name, row.versions])),
		maintenanceWorkMemory: Number(own.memory),
		localDataFolder: own.loopback && own.folder ? own.folder : undefined,
	};
}

/** All databases of the server by name. */
export async function readDatabases(client: pg.Client): Promise<Map<string, TargetDatabase>> {
	const { rows } = await client.query<Omit<TargetDatabase, 'oid'> & { oid: string }>(`
		SELECT datname AS name, oid::text AS oid, shobj_description(oid, 'pg_database') AS comment, pg_encoding_to_char(encoding) AS encoding,
			datcollate AS collate, datctype AS ctype, datistemplate AS "isTemplate", datallowconn AS "allowsConnections",
			datconnlimit AS "connectionLimit", pg_has_role(current_user, datdba, 'MEMBER') AS owned
		FROM pg_database`);
	return new Map(rows.map((row) => [row.name, { ...row, oid: Number(row.oid) }]));
}
