import type { BackupSource } from '../catalog/manifest';
import type { PostgresConnection } from './connection-settings';
import type { ServerVersion } from './server-version';

/** What a manifest says of the server that was backed up. `name` tells the series: a database, or the globals. */
export function backupSource(name: string, connection: PostgresConnection, server: ServerVersion): BackupSource {
	return {
		type: 'postgres',
		name,
		host: connection.host,
		port: connection.port,
		serverVersion: server.version,
		serverMajor: server.major,
	};
}
