import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import pg from 'pg';
import { postgresConnectionSchema, type PostgresConnection } from '../../lib/postgres/connection-settings';
import { makeDataDirectory, type Owner } from './data-directory';
import { freePort } from './free-port';

export interface StartOptions {
	/** Server settings on top of the fast ones. */
	readonly settings?: Record<string, string>;
	/** Serve TLS with a certificate for `localhost` (not for 127.0.0.1), signed by `caCertificate`. */
	readonly tls?: boolean;
	readonly auth?: 'scram' | 'trust';
	/** Refuse connections without TLS. */
	readonly tlsOnly?: boolean;
	/** Folder with `initdb` and `postgres`; default: the newest of /usr/lib/postgresql. */
	readonly serverFolder?: string;
	/** What initdb gets besides, e.g. `--data-checksums`. */
	readonly initdb?: readonly string[];
}

/** A PostgreSQL server of a test's own: a fresh data folder, a free port, gone after `stop()`. */
export interface PostgresServer {
	readonly host: '127.0.0.1';
	readonly port: number;
	readonly user: 'postgres';
	readonly password: string;
	/** Superuser connection, ready for jobs. */
	readonly connection: PostgresConnection;
	/** PEM of the authority that signed the server's certificate; empty without TLS. */
	readonly caCertificate: string;
	readonly serverFolder: string;
	/** PGDATA. */
	readonly dataFolder: string;
	query<R extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, database?: string, values?: unknown[]): Promise<R[]>;
	createDatabase(name: string): Promise<void>;
	/** The sessions that the package under test has open, by their application name. */
	sessions(): Promise<string[]>;
	stop(): Promise<void>;
}

const PASSWORD = "test \"pass:word\\ '1'";
/** Durability is not what these tests are about. */
const FAST = {
	fsync: 'off',
	full_page_writes: 'off',
	synchronous_commit: 'off',
	shared_buffers: '64MB',
	max_connections: '60',
	max_wal_size: '2GB',
	autovacuum: 'off',
};

/** Starts a server; call `stop()` in `afterAll`. As root, the server runs as the `postgres` user, because it refuses root. */
export async function startPostgres(options: StartOptions = {}): Promise<PostgresServer> {
	const serverFolder = options.serverFolder ?? (await newestServerFolder());
	const owner = process.getuid?.() === 0 ? await postgresUser() : undefined;
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-server-'));
	if (owner) await chown(folder, owner.uid, owner.gid);
	const auth = options.auth === 'trust' ? 'trust' : 'scram-sha-256';
	const data = await makeDataDirectory(folder, { serverFolder, password: PASSWORD, auth, more: options.initdb ?? [], owner });
	const caCertificate = options.tls || options.tlsOnly ? await makeCertificates(folder, data, owner) : '';
	if (options.tlsOnly)
		await writeFile(join(data, 'pg_hba.conf'), `local all all ${auth}\nhostssl all all 127.0.0.1/32 ${auth}\n`);

	const port = await freePort();
	const settings = {
		...FAST,
		listen_addresses: '127.0.0.1',
		port: String(port),
		unix_socket_directories: folder,
		...(caCertificate ? { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' } : {}),
		...options.settings,
	};
	const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
	const server = spawn(join(serverFolder, 'postgres'), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...owner });
	const log = keepTail(server);
	const connection = postgresConnectionSchema.parse({
		host: '127.0.0.1',
		port,
		user: 'postgres',
		password: PASSWORD,
		tls: { mode: caCertificate ? 'require' : 'disable' },
	});
	const query = async <R extends pg.QueryResultRow>(sql: string, database = 'postgres', values?: unknown[]): Promise<R[]> => {
		const client = new pg.Client({
			host: '127.0.0.1',
			port,
			user: 'postgres',
			password: PASSWORD,
			database,
			application_name: 'test',
			ssl: caCertificate ? { rejectUnauthorized: false } : false,
		});
		await client.connect();
		try {
			const result = await client.query<R>(sql, values);
			return Array.isArray(result) ? [] : result.rows;
		} finally {
			await client.end();
		}
	};
	const stop = async (): Promise<void> => {
		await end(server);
		await rm(folder, { recursive: true, force: true });
	};
	try {
		await untilReady(server, query, log);
	} catch (error) {
		await stop();
		throw error;
	}
	return {
		host: '127.0.0.1',
		port,
		user: 'postgres',
		password: PASSWORD,
		connection,
		caCertificate,
		serverFolder,
		dataFolder: data,
		query,
		createDatabase: async (name) => void (await query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0`)),
		sessions: async () =>
			(
				await query<{ application_name: string }>(
					`SELECT application_name FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'test'`,
				)
			).map((row) => row.application_name),
		stop,
	};
}

async function newestServerFolder(): Promise<string> {
	const root = '/usr/lib/postgresql';
	const versions = (await readdir(root))
		.map(Number)
		.filter(Number.isFinite)
		.sort((a, b) => b - a);
	if (versions[0] === undefined) throw new Error(`no PostgreSQL server under ${root}`);
	return join(root, String(versions[0]), 'bin');
}

async function postgresUser(): Promise<Owner> {
	const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('postgres:'));
	const [, , uid, gid] = line?.split(':') ?? [];
	if (!uid || !gid) throw new Error('running as root, and there is no user "postgres" to run the server as');
	return { uid: Number(uid), gid: Number(gid) };
}

function keepTail(child: ChildProcess): () => string {
	let tail = '';
	child.stderr?.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-4000)));
	return () => tail;
}

async function runToEnd(file: string, args: string[], cwd: string, owner: Owner | undefined): Promise<void> {
	const child = spawn(file, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], ...owner });
	const log = keepTail(child);
	const [code] = (await once(child, 'close')) as [number | null];
	if (code !== 0) throw new Error(`${file} ended with ${code}: ${log()}`);
}

async function makeCertificates(folder: string, data: string, owner: Owner | undefined): Promise<string> {
	const ca = join(folder, 'ca.crt');
	const caKey = join(folder, 'ca.key');
	const request = join(folder, 'server.csr');
	const extensions = join(folder, 'server.ext');
	await writeFile(extensions, 'subjectAltName=DNS:localhost\n');
	const openssl = (...args: string[]) => runToEnd('openssl', args, folder, undefined);
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	await openssl('req', '-x509', ...key, '-keyout', caKey, '-out', ca, '-subj', '/CN=Test authority', '-days', '30');
	await openssl('req', ...key, '-keyout', join(data, 'server.key'), '-out', request, '-subj', '/CN=localhost');
	await openssl(
		'x509',
		'-req',
		'-in',
		request,
		'-CA',
		ca,
		'-CAkey',
		caKey,
		'-CAcreateserial',
		'-out',
		join(data, 'server.crt'),
		'-days',
		'30',
		'-extfile',
		extensions,
	);
	for (const name of ['server.key', 'server.crt']) if (owner) await chown(join(data, name), owner.uid, owner.gid);
	return await readFile(ca, 'utf8');
}

async function untilReady(server: ChildProcess, query: (sql: string) => Promise<unknown>, log: () => string): Promise<void> {
	const deadline = performance.now() + 30_000;
	for (;;) {
		if (server.exitCode !== null || server.signalCode !== null) throw new Error(`the test server did not start: ${log()}`);
		try {
			await query('SELECT 1');
			return;
		} catch (error) {
			if (performance.now() > deadline) throw new Error(`the test server is not ready: ${log()}`, { cause: error });
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}

async function end(server: ChildProcess): Promise<void> {
	if (server.exitCode !== null || server.signalCode !== null) return;
	const closed = once(server, 'close');
	server.kill('SIGINT');
	const force = setTimeout(() => server.kill('SIGQUIT'), 10_000);
	await closed;
	clearTimeout(force);
}
