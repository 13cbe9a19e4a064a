import type pg from 'pg';
import { BackupError } from '../core/errors';

export const OLDEST_MAJOR = 13;
/** The newest that this version was made for; newer ones are tried, with a warning. */
export const NEWEST_KNOWN_MAJOR = 18;

export interface ServerVersion {
	/** As the server says it: `15.18 (Debian 15.18-0+deb12u1)`. */
	readonly version: string;
	readonly major: number;
}

/** @throws BackupError `SERVER_VERSION` when it is older than PostgreSQL 13 */
export async function readServerVersion(client: pg.Client): Promise<ServerVersion> {
	const { rows } = await client.query<{ version: string; number: number }>(
		`SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number`,
	);
	const row = rows[0];
	if (!row) throw new BackupError('INTERNAL', 'The server did not tell its version.', 'Report this as a bug.');
	const major = Math.floor(row.number / 10_000);
	if (major < OLDEST_MAJOR) {
		throw new BackupError(
			'SERVER_VERSION',
			`The server is PostgreSQL ${row.version}; ${OLDEST_MAJOR} or newer is needed.`,
			'Upgrade the server, or back it up with its own pg_dump.',
		);
	}
	return { version: row.version, major };
}
