import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresConnection } from '../../lib/postgres/connection-settings';

export interface StartOptions {
	readonly settings?: Record<string, string>;
	readonly tls?: boolean;
	readonly auth?: 'scram' | 'trust';
	/** Folder of the server's binaries; the newest of Debian's when left out. */
	readonly binaries?: string;
}

/** A throwaway PostgreSQL server on a free port of 127.0.0.1. */
export interface PostgresServer {
	readonly host: '127.0.0.1';
	readonly port: number;
	readonly user: 'postgres';
	readonly password: string;
	/** Ready to be put into a job. */
	readonly connection: PostgresConnection;
	readonly dataFolder: string;
	/** PEM text of the server's own certificate authority, when started with `tls`. */
	readonly ca: string;
	query<T extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, database?: string, values?: unknown[]): Promise<T[]>;
	createDatabase(name: string): Promise<void>;
	stop(): Promise<void>;
}

const PASSWORD = 'correct horse: battery \\ staple';

/** Starts a server in a folder of its own; as root it runs as the user `postgres`, because the server refuses root. */
export async function startPostgres(options: StartOptions = {}): Promise<PostgresServer> {
	const bin = options.binaries ?? newestBinaries();
	const owner = serverUser();
	const folder = mkdtempSync(join(tmpdir(), 'postgres-test-'));
	const data = join(folder, 'data');
	if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
	const passwordFile = join(folder, 'password');
	writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
	const auth = options.auth === 'trust' ? 'trust' : 'scram-sha-256';
	const run = (tool: string, args: string[]) => execFileSync(join(bin, tool), args, { ...owner, stdio: ['ignore', 'pipe', 'pipe'], cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } });
	run('initdb', ['-D', data, '-U', 'postgres', '-A', auth, `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
	const port = await freePort();
	const ca = options.tls ? makeCertificate(folder, owner) : '';
	const settings: Record<string, string> = {
		listen_addresses: '127.0.0.1',
		port: String(port),
		unix_socket_directories: folder,
		fsync: 'off',
		synchronous_commit: 'off',
		full_page_writes: 'off',
		max_connections: '60',
		shared_buffers: '64MB',
		timezone: 'UTC',
		...(options.tls ? { ssl: 'on', ssl_cert_file: join(folder, 'server.crt'), ssl_key_file: join(folder, 'server.key') } : {}),
		...options.settings,
	};
	appendFileSync(join(data, 'postgresql.conf'), Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join(''));
	const child = spawn(join(bin, 'postgres'), ['-D', data], { ...owner, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } });
	let log = '';
	child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
	const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const killAtExit = () => void child.kill('SIGQUIT');
	process.once('exit', killAtExit);

	const connection: PostgresConnection = {
		host: '127.0.0.1',
		port,
		user: 'postgres',
		password: PASSWORD,
		database: 'postgres',
		tls: { mode: 'prefer', ca: '' },
		connectTimeoutSeconds: 15,
		clientFolder: '',
	};
	const query = async <T extends pg.QueryResultRow>(sql: string, database = 'postgres', values?: unknown[]): Promise<T[]> => {
		const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database });
		client.on('error', () => undefined);
		await client.connect();
		try {
			const result = (await client.query<T>(sql, values)) as pg.QueryResult<T> | pg.QueryResult<T>[];
			return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
		} finally {
			await client.end();
		}
	};
	await ready(() => query('SELECT 1'), () => child.exitCode !== null, () => log);
	return {
		host: '127.0.0.1',
		port,
		user: 'postgres',
		password: PASSWORD,
		connection,
		dataFolder: data,
		ca,
		query,
		createDatabase: async (name) => void (await query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`)),
		stop: async () => {
			process.removeListener('exit', killAtExit);
			child.kill('SIGQUIT');
			await exited;
			rmSync(folder, { recursive: true, force: true });
		},
	};
}

/** The folder with the newest server binaries that Debian's packages installed. */
export function newestBinaries(): string {
	const root = '/usr/lib/postgresql';
	const newest = readdirSync(root).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a))[0];
	if (newest === undefined) throw new Error(`There are no PostgreSQL server binaries under ${root}; install the package "postgresql".`);
	return join(root, newest, 'bin');
}

function serverUser(): { uid: number; gid: number } | undefined {
	if (userInfo().uid !== 0) return undefined;
	const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
	return { uid: id('-u'), gid: id('-g') };
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
	return await new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
		});
	});
}

function makeCertificate(folder: string, owner: { uid: number; gid: number } | undefined): string {
	const key = join(folder, 'server.key');
	const certificate = join(folder, 'server.crt');
	execFileSync('openssl', ['req', '-new', '-x509', '-days', '2', '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
	chmodSync(key, 0o600);
	if (owner !== undefined) for (const file of [key, certificate]) chownSync(file, owner.uid, owner.gid);
	return execFileSync('cat', [certificate], { encoding: 'utf8' });
}

async function ready(probe: () => Promise<unknown>, ended: () => boolean, log: () => string): Promise<void> {
	const deadline = performance.now() + 30_000;
	for (;;) {
		try {
			await probe();
			return;
		} catch (error) {
			if (ended() || performance.now() > deadline) throw new Error(`PostgreSQL did not start: ${String(error)}\n${log()}`);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}
