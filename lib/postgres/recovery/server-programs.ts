import { dirname } from 'node:path';
import { BackupError } from '../../core/errors';
import { listClients, type PostgresClient } from '../clients';

/**
 * Finds the server program of exactly this major version: no other reads the data directory.
 * @throws BackupError `CLIENT_MISSING` with the line that installs it, and what to do without
 */
export async function findServer(major: number, serverFolder: string, signal: AbortSignal): Promise<PostgresClient & { readonly folder: string }> {
	const servers = await listClients('postgres', serverFolder, signal);
	const fit = servers.find((server) => server.major === major);
	if (fit) return { ...fit, folder: dirname(fit.path) };
	const place = serverFolder === '' ? 'in PATH or the usual folders' : `in ${serverFolder}`;
	const found = servers.length === 0 ? 'there is none' : `there is ${servers.map(({ path, version }) => `${path} (${version})`).join(', ')}`;
	throw new BackupError(
		'CLIENT_MISSING',
		`A base backup of PostgreSQL ${major} is recovered by a server of PostgreSQL ${major}, and ${place} ${found}.`,
		`Debian and Ubuntu: apt-get install postgresql-${major}; Alpine: apk add postgresql${major}. Or choose "Hand Over", which lets a container with PostgreSQL ${major} do it.`,
	);
}
