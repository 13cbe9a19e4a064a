import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobContext } from '../core/context';
import type { PostgresConnection } from './connection-settings';
import { trustedAuthorities } from './tls-options';

/**
 * Gives `body` the environment with which pg_dump, pg_restore and psql reach the server: host, port and user, TLS, and the
 * password by a pass file (mode 0600) that is removed afterwards. Names the database `PGDATABASE` has to be told separately.
 * https://www.postgresql.org/docs/current/libpq-envars.html
 */
export async function withClientEnvironment<T>(
	connection: PostgresConnection,
	context: Pick<JobContext, 'workFolder'> & { readonly applicationName?: string },
	body: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
	const folder = await mkdtemp(join(context.workFolder, 'client-'));
	try {
		const passFile = join(folder, 'pgpass');
		await writeFile(passFile, passFileLine(connection.password), { mode: 0o600, flag: 'wx' });
		const env: Record<string, string> = {
			// Nothing of this machine's user is to count: no ~/.pgpass, no ~/.postgresql certificates, no service file.
			HOME: folder,
			PGPASSFILE: passFile,
			PGHOST: connection.host,
			PGPORT: String(connection.port),
			PGUSER: connection.user,
			PGSSLMODE: connection.host.startsWith('/') ? 'disable' : connection.tls.mode,
			PGSSLROOTCERT: join(folder, 'root.crt'),
			PGSSLCERT: join(folder, 'none.crt'),
			PGSSLKEY: join(folder, 'none.key'),
			PGSSLCRL: join(folder, 'none.crl'),
			PGGSSENCMODE: 'disable',
			PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(connection.connectTimeoutSeconds))),
			PGAPPNAME: context.applicationName ?? 'backup-recovery',
		};
		const authorities = trustedAuthorities(connection);
		if (authorities !== undefined) await writeFile(join(folder, 'root.crt'), authorities, { mode: 0o600, flag: 'wx' });
		return await body(env);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** One line for every host, port, database and user: https://www.postgresql.org/docs/current/libpq-pgpass.html */
export function passFileLine(password: string): string {
	return `*:*:*:*:${password.replace(/[\\:]/g, '\\$&')}\n`;
}
