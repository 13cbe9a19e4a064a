import { BackupError } from '../../core/errors';
import type { ReplicationSession } from '../replication/replication-session';
import { readServerVersion, type ServerVersion } from '../server-version';

/** What a server is, as far as its physical backups are concerned. */
export interface ServerFacts extends ServerVersion {
	readonly systemIdentifier: string;
	/** The one that it writes, or follows, now. */
	readonly timeline: number;
	/** `server_version_num`. */
	readonly versionNumber: number;
	readonly segmentBytes: number;
	readonly blockBytes: number;
	readonly pageChecksums: boolean;
	readonly inRecovery: boolean;
	readonly summarizesWal: boolean;
}

/** @throws BackupError `SERVER_VERSION` when it is older than PostgreSQL 13 */
export async function readServerFacts(session: ReplicationSession): Promise<ServerFacts> {
	const version = await readServerVersion(session.client);
	const [system] = await session.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM');
	const [settings] = await session.query(`SELECT
		current_setting('server_version_num') AS version_number,
		(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment_bytes,
		current_setting('block_size') AS block_bytes,
		current_setting('data_checksums') AS page_checksums,
		pg_catalog.pg_is_in_recovery()::text AS in_recovery,
		current_setting('summarize_wal', true) AS summarize_wal`);
	if (!system || !settings) throw new BackupError('INTERNAL', 'The server did not say what it is.', 'Report this as a bug.');
	return {
		...version,
		systemIdentifier: system.systemid,
		timeline: Number(system.timeline),
		versionNumber: Number(settings.version_number),
		segmentBytes: Number(settings.segment_bytes),
		blockBytes: Number(settings.block_bytes),
		pageChecksums: settings.page_checksums === 'on',
		inRecovery: settings.in_recovery === 'true',
		summarizesWal: settings.summarize_wal === 'on',
	};
}

/** The server's clock. */
export async function serverClock(session: ReplicationSession): Promise<Date> {
	const [row] = await session.query<{ milliseconds: string }>('SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::numeric::text AS milliseconds');
	return new Date(Number(row?.milliseconds));
}

/** Databases with their sizes; null where the role may not know it. */
export async function readDatabases(session: ReplicationSession): Promise<{ name: string; bytes: number | null }[]> {
	const rows = await session.query<{ name: string; bytes: string | null }>(`SELECT datname AS name,
		CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT') OR pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER') THEN pg_catalog.pg_database_size(oid)::text END AS bytes
		FROM pg_catalog.pg_database WHERE NOT datistemplate ORDER BY datname`);
	return rows.map(({ name, bytes }) => ({ name, bytes: bytes === null ? null : Number(bytes) }));
}
