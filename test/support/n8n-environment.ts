import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { SHARED_FOLDER } from './once-a-run';
import type { PostgresServer } from './postgres-server';

export interface N8nPlaces {
	readonly userFolder: string;
	/** The folders that n8n lets nodes use. */
	readonly allowedFolders: readonly string[];
	readonly port: number;
	/** The database for n8n's own tables; left out: SQLite in the data folder, for which the driver must have been compiled. */
	readonly database?: { readonly server: PostgresServer; readonly name: string };
}

/** Everything n8n would otherwise ask of the outside. */
const SILENT = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_DISABLED_MODULES: 'mcp-registry,instance-ai,agents,chat-hub',
};

/** What the system's programs need, and npm to reach its registry; nothing else of the caller's environment reaches n8n. */
const PASSED_ON = [
	'HOME', 'LANG', 'TMPDIR', 'USER', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR',
	'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy',
];

/** The environment of a quiet n8n that listens on 127.0.0.1 only. */
export async function n8nEnvironment(places: N8nPlaces, extra: Record<string, string> = {}): Promise<Record<string, string>> {
	const env: Record<string, string> = {};
	for (const key of PASSED_ON) if (process.env[key] !== undefined) env[key] = process.env[key];
	return {
		...env,
		// npm, which installs community packages, must find the Node that runs n8n.
		PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
		...SILENT,
		...sharedCompileCache(),
		N8N_USER_FOLDER: places.userFolder,
		N8N_HOST: '127.0.0.1',
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_PORT: String(places.port),
		N8N_PROTOCOL: 'http',
		N8N_SECURE_COOKIE: 'false',
		N8N_RUNNERS_BROKER_LISTEN_ADDRESS: '127.0.0.1',
		N8N_RUNNERS_BROKER_PORT: String(await freePort()),
		N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
		N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS: 'true',
		N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
		N8N_RESTRICT_FILE_ACCESS_TO: places.allowedFolders.join(';'),
		N8N_METRICS: 'true',
		N8N_GRACEFUL_SHUTDOWN_TIMEOUT: '10',
		N8N_LOG_LEVEL: 'info',
		NO_COLOR: '1',
		...databaseVariables(places.database),
		...extra,
	};
}

/** What one n8n has compiled the next need not. */
function sharedCompileCache(): Record<string, string> {
	const shared = process.env[SHARED_FOLDER];
	return shared === undefined ? {} : { NODE_COMPILE_CACHE: join(shared, 'compiled') };
}

function databaseVariables(database: N8nPlaces['database']): Record<string, string> {
	if (database === undefined) return { DB_TYPE: 'sqlite' };
	const { server, name } = database;
	return {
		DB_TYPE: 'postgresdb',
		DB_POSTGRESDB_HOST: server.host,
		DB_POSTGRESDB_PORT: String(server.port),
		DB_POSTGRESDB_DATABASE: name,
		DB_POSTGRESDB_USER: server.user,
		DB_POSTGRESDB_PASSWORD: server.password,
	};
}

/** A port of 127.0.0.1 that nobody listens on just now. */
export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
	return address.port;
}
