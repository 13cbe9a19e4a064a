import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { BackupError } from '../../lib/core/errors';
import type { PostgresConnectionInput } from './credentials';

/** The variable with which whoever runs n8n allows its nodes to back up n8n itself. */
export const ALLOW_N8N = 'BACKUP_RECOVERY_ALLOW_N8N';

/** Where an n8n keeps what makes it this n8n; the part of a job that says so. */
export interface N8nPlace {
	readonly dataFolder: string;
	readonly encryptionKey: string | null;
	readonly database:
		| { readonly type: 'sqlite'; readonly file: string }
		| { readonly type: 'postgres'; readonly connection: PostgresConnectionInput; readonly database: string; readonly schema: string };
	readonly program: string;
}

/**
 * The n8n that this node runs in, from n8n's own documented variables: https://docs.n8n.io/hosting/configuration/environment-variables/
 * n8n keeps its folder closed to nodes, because whoever may edit a workflow could read every credential there. A backup of n8n holds just that,
 * encrypted to whatever key the workflow names: so the one who runs n8n must have allowed it.
 * @throws BackupError `PERMISSION_DENIED` where that is not so
 */
export function ownN8n(environment: NodeJS.ProcessEnv, program: string): N8nPlace {
	const read = (name: string): string | undefined => {
		const file = environment[`${name}_FILE`];
		const value = environment[name] ?? (file === undefined || file === '' ? undefined : readFileSync(file, 'utf8').trim());
		return value === '' ? undefined : value;
	};
	if (read(ALLOW_N8N) !== 'true') {
		throw new BackupError(
			'PERMISSION_DENIED',
			'This n8n does not allow its nodes to back up n8n itself.',
			`A backup of n8n holds all credentials and the key to them, so whoever runs n8n must allow it: set the environment variable ${ALLOW_N8N}=true for n8n (and its workers) and restart it. ` +
				'Only people who may see every credential should then be able to edit workflows.',
		);
	}
	const dataFolder = join(environment.N8N_USER_FOLDER ?? homedir(), '.n8n');
	return { dataFolder, encryptionKey: read('N8N_ENCRYPTION_KEY') ?? null, database: ownDatabase(dataFolder, read), program };
}

function ownDatabase(dataFolder: string, read: (name: string) => string | undefined): N8nPlace['database'] {
	if (read('DB_TYPE') !== 'postgresdb') return { type: 'sqlite', file: resolve(dataFolder, read('DB_SQLITE_DATABASE') ?? 'database.sqlite') };
	return {
		type: 'postgres',
		database: read('DB_POSTGRESDB_DATABASE') ?? 'n8n',
		schema: read('DB_POSTGRESDB_SCHEMA') ?? 'public',
		connection: {
			host: read('DB_POSTGRESDB_HOST') ?? 'localhost',
			port: Number(read('DB_POSTGRESDB_PORT') ?? 5432),
			user: read('DB_POSTGRESDB_USER') ?? 'postgres',
			password: read('DB_POSTGRESDB_PASSWORD') ?? '',
			database: read('DB_POSTGRESDB_DATABASE') ?? 'n8n',
			tls: ownTls(read),
		},
	};
}

/** n8n encrypts its connection when told to or given a certificate, and then checks the server's unless told not to. */
function ownTls(read: (name: string) => string | undefined): PostgresConnectionInput['tls'] {
	const ca = read('DB_POSTGRESDB_SSL_CA') ?? '';
	const unchecked = read('DB_POSTGRESDB_SSL_REJECT_UNAUTHORIZED') === 'false';
	if (unchecked) return { mode: 'require', ca: '' };
	if (read('DB_POSTGRESDB_SSL_ENABLED') === 'true' || ca !== '') return { mode: 'verify-full', ca };
	return { mode: 'prefer', ca: '' };
}
