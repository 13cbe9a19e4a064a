import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { redisConnectionSchema, type RedisConnection } from '../../lib/redis/connection-settings';

const run = promisify(execFile);

export interface RedisOptions {
	/** Lines of the configuration, name to value; a list gives a line for each. */
	readonly settings?: Record<string, string | readonly string[]>;
	readonly password?: string;
	/** ACL users besides `default`: lines after `user `. */
	readonly users?: readonly string[];
	/** Serve TLS only, with a certificate for `localhost` (not for 127.0.0.1). */
	readonly tls?: boolean;
	readonly sentinel?: boolean;
	/** The data folder's `dump.rdb` at the start. */
	readonly rdb?: Buffer;
	readonly port?: number;
	/** Default: the system's redis-server. */
	readonly program?: RedisProgram;
}

/** A server's program with what must stand before its arguments. */
export interface RedisProgram {
	readonly argv: readonly string[];
	readonly major: number;
}

/** A Redis server of a test's own: a fresh folder, a free port, gone after `stop()`. */
export interface RedisServer {
	readonly host: '127.0.0.1';
	readonly port: number;
	readonly pid: number;
	readonly folder: string;
	readonly password: string;
	/** PEM of the authority that signed the server's certificate; empty without TLS. */
	readonly caCertificate: string;
	readonly connection: RedisConnection;
	readonly redis: Redis;
	cli(...args: string[]): Promise<string>;
	/** The digest over all keys and values of all databases. */
	digest(): Promise<string>;
	log(): Promise<string>;
	kill(): Promise<void>;
	stop(): Promise<void>;
}

/** Starts a server of the system's package; call `stop()` in `afterAll`. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-redis-'));
	const port = options.port ?? (await freePort());
	const password = options.password ?? '';
	const caCertificate = options.tls ? await makeCertificates(folder) : '';
	if (options.rdb) await writeFile(join(folder, 'dump.rdb'), options.rdb);
	const settings: Record<string, string | readonly string[]> = {
		bind: '127.0.0.1',
		dir: folder,
		logfile: join(folder, 'redis.log'),
		...(options.sentinel
			? {}
			: { save: '""', ...((options.program?.major ?? 7) >= 7 && { 'enable-debug-command': 'yes' }), 'repl-diskless-sync-delay': '0', 'repl-ping-replica-period': '1', appendfsync: 'no' }),
		...(password === '' ? {} : { requirepass: JSON.stringify(password) }),
		...(options.users === undefined ? {} : { user: options.users }),
		...(options.tls
			? { port: '0', 'tls-port': String(port), 'tls-cert-file': join(folder, 'server.crt'), 'tls-key-file': join(folder, 'server.key'), 'tls-ca-cert-file': join(folder, 'ca.crt'), 'tls-auth-clients': 'no' }
			: { port: String(port) }),
		...options.settings,
	};
	const lines = Object.entries(settings).flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).map((one) => `${name} ${one}`));
	const configuration = join(folder, 'redis.conf');
	await writeFile(configuration, `${lines.join('\n')}\n`);
	const [program = 'redis-server', ...before] = options.program?.argv ?? [];
	const child = spawn(program, [...before, configuration, ...(options.sentinel ? ['--sentinel'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] });
	let output = '';
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
	const redis = new Redis({
		host: '127.0.0.1',
		port,
		protocol: 2,
		...(password === '' ? {} : { password }),
		...(options.tls ? { tls: { rejectUnauthorized: false } } : {}),
		enableReadyCheck: false,
		disableClientInfo: true,
		lazyConnect: true,
		retryStrategy: (times) => (times > 100 ? null : 50),
		maxRetriesPerRequest: null,
	});
	redis.on('error', () => undefined);
	await waitUntilUp(redis, child, async () => `${output}\n${await readFile(join(folder, 'redis.log'), 'utf8').catch(() => '')}`);
	const server: RedisServer = {
		host: '127.0.0.1',
		port,
		pid: child.pid!,
		folder,
		password,
		caCertificate,
		connection: redisConnectionSchema.parse({
			deployment: { mode: 'standalone', host: '127.0.0.1', port },
			password,
			...(options.tls ? { tls: { mode: 'verify-ca', ca: caCertificate } } : {}),
		}),
		redis,
		cli: async (...args) => {
			const secure = options.tls ? ['--tls', '--cacert', join(folder, 'ca.crt'), '--sni', 'localhost'] : [];
			const { stdout } = await run('redis-cli', ['-p', String(port), ...(password === '' ? [] : ['-a', password, '--no-auth-warning']), ...secure, ...args], { maxBuffer: 1 << 28 });
			return stdout;
		},
		digest: async () => String(await redis.call('DEBUG', 'DIGEST')),
		log: async () => await readFile(join(folder, 'redis.log'), 'utf8'),
		kill: async () => await end(child, 'SIGKILL'),
		stop: async () => {
			redis.disconnect();
			await end(child, 'SIGKILL');
			await rm(folder, { recursive: true, force: true });
		},
	};
	return server;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = once(child, 'exit');
	child.kill(signal);
	await gone;
}

async function waitUntilUp(redis: Redis, child: ChildProcess, log: () => Promise<string>): Promise<void> {
	for (let tries = 0; tries < 200; tries++) {
		if (child.exitCode !== null) throw new Error(`redis-server ended at once: ${await log()}`);
		try {
			if (redis.status === 'wait' || redis.status === 'end') await redis.connect();
			await redis.ping();
			return;
		} catch {
			await new Promise((resolve) => setTimeout(resolve, 25));
		}
	}
	throw new Error(`redis-server did not come up: ${await log()}`);
}

export async function freePort(): Promise<number> {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	server.close();
	await once(server, 'close');
	if (address === null || typeof address === 'string') throw new Error('no port');
	// A cluster also takes the port 10000 above.
	return address.port < 55_000 ? address.port : await freePort();
}

/** An authority of its own and a certificate for `localhost`. */
async function makeCertificates(folder: string): Promise<string> {
	const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
	await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.crt');
	await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
	await writeFile(join(folder, 'names'), 'subjectAltName=DNS:localhost');
	await openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'server.crt');
	return await readFile(join(folder, 'ca.crt'), 'utf8');
}
