import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readArtifact } from '../../../lib/backup/read-artifact';
import type { Manifest } from '../../../lib/catalog/manifest';
import { NO_KEYS } from '../../../lib/core/keys';
import type { RedisConnection } from '../../../lib/redis/connection-settings';
import { restoreRedis } from '../../../lib/redis/restore/restore-redis';
import { takeSnapshot } from '../../../lib/redis/snapshot';
import { testRedisConnection } from '../../../lib/redis/test-connection';
import { collect } from '../../support/bytes';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { freePort, type RedisServer, startRedis } from '../../support/redis-server';
import { fillWithVariety } from '../../support/redis-variety';

jest.setTimeout(40_000);
const run = promisify(execFile);
const running: RedisServer[] = [];
let context: TestContext;
beforeAll(async () => (context = await testContext()));
afterEach(async () => {
	await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(async () => await context.remove());

async function start(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
	const server = await startRedis(...options);
	running.push(server);
	return server;
}
const take = (connection: RedisConnection, store = new MemoryStore()) => takeSnapshot({ connection, name: '', compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
const keysOf = (manifest: Manifest) => manifest.redis?.databases.reduce((sum, { keys }) => sum + keys, 0);

it.each(['yes', 'no'])('equals what redis-cli --rdb writes but for times, memory and the checksum (diskless %s, append-only file on)', async (diskless) => {
	const server = await start({ settings: { 'repl-diskless-sync': diskless, appendonly: 'yes' } });
	await fillWithVariety(server.redis);
	const store = new MemoryStore();
	const manifest = await take(server.connection, store);
	const ours = await collect(readArtifact(store, manifest, manifest.artifacts[0]!, { signal: context.signal, keys: NO_KEYS }));
	const file = join(context.workFolder, `peer-${diskless}.rdb`);
	await server.cli('--rdb', file);
	expect(withoutTimes(ours)).toBe(withoutTimes(await readFile(file)));
});

/** Everything, functions too, but the aux fields of time, memory and replication, and the checksum over them. */
function withoutTimes(rdb: Buffer): string {
	const text = rdb.subarray(0, -8).toString('latin1');
	return ['ctime', 'used-mem', 'repl-id', 'repl-offset', 'repl-stream-db'].reduce((left, name) => {
		const field = `\xfa${String.fromCharCode(name.length)}${name}`;
		const at = left.indexOf(field);
		return at < 0 ? left : left.slice(0, at) + left.slice(at + field.length + valueLength(left, at + field.length));
	}, text);
}

/** How many bytes the string at `at` takes, its length included: plain, or an integer of 8, 16 or 32 bits. */
function valueLength(text: string, at: number): number {
	const first = text.charCodeAt(at);
	if (first >= 0xc0) return 1 + 2 ** (first & 0x3f);
	return first < 0x40 ? 1 + first : 2 + ((first & 0x3f) << 8) + text.charCodeAt(at + 1);
}

it('needs no more rights than the hint names, and says which are missing', async () => {
	const server = await start({ password: 'admin', users: ['backup on >s3cret resetkeys -@all +psync +sync +replconf +info +ping', 'weak on >s3cret resetkeys -@all +info +ping'] });
	await server.redis.set('a', 'b');
	expect(keysOf(await take({ ...server.connection, username: 'backup', password: 's3cret' }))).toBe(1);
	expect(await failure(take({ ...server.connection, username: 'weak', password: 's3cret' }))).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('+psync') });
	for (const wrong of [{ password: 'not-this-one' }, { username: 'backup', password: 'not-this-one' }, { password: '' }]) {
		const refused = await failure(take({ ...server.connection, ...wrong }));
		expect(refused.code).toBe('AUTHENTICATION_FAILED');
		expect(JSON.stringify(refused.toJSON())).not.toMatch(/s3cret|not-this-one/);
	}
});

it('speaks TLS as strictly as it is told', async () => {
	const server = await start({ tls: true, password: 'p' });
	await server.redis.set('a', 'b');
	const { ca } = server.connection.tls;
	const named: RedisConnection = { ...server.connection, deployment: { mode: 'standalone', host: 'localhost', port: server.port } };
	const tls = (mode: RedisConnection['tls']['mode'], authority = ca) => ({ mode, ca: authority, certificate: '', key: '' });
	expect(keysOf(await take(server.connection))).toBe(1);
	expect(keysOf(await take({ ...server.connection, tls: tls('require', '') }))).toBe(1);
	expect(keysOf(await take({ ...named, tls: tls('verify-full') }))).toBe(1);
	expect((await failure(take({ ...server.connection, tls: tls('verify-full') }))).code).toBe('TLS_FAILED');
	expect((await failure(take({ ...server.connection, tls: tls('verify-ca', '') }))).code).toBe('TLS_FAILED');
	expect((await failure(take({ ...server.connection, tls: tls('disable') }))).code).toMatch(/SERVER_UNREACHABLE|SERVER_ERROR/);
	expect(await testRedisConnection(server.connection, context.signal)).toMatchObject({ flavor: 'redis', keys: 1 });
});

it('takes the snapshot from a replica behind Sentinels, and from the master when none is in sync', async () => {
	const master = await start();
	await master.redis.set('a', 'b');
	const replica = await start({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
	await until(async () => String(await replica.redis.call('INFO', 'replication')).includes('master_link_status:up'));
	const sentinel = await start({ sentinel: true, settings: { 'sentinel monitor main': `127.0.0.1 ${master.port} 1`, 'sentinel down-after-milliseconds main': '60000' } });
	const connection: RedisConnection = { ...master.connection, deployment: { mode: 'sentinel', sentinels: [{ host: '127.0.0.1', port: 1 }, { host: '127.0.0.1', port: sentinel.port }], masterName: 'main', username: '', password: '' } };
	await until(async () => JSON.stringify(await sentinel.redis.call('SENTINEL', 'replicas', 'main')).includes('"master-link-status","ok"'));
	expect((await take(connection)).redis).toMatchObject({ deployment: 'sentinel', snapshots: [{ port: replica.port, role: 'replica' }] });

	await replica.redis.call('REPLICAOF', '127.0.0.1', '1');
	await until(async () => String(await replica.redis.call('INFO', 'replication')).includes('master_link_status:down'));
	expect((await take(connection)).redis).toMatchObject({ snapshots: [{ port: master.port, role: 'master' }] });
	expect(await failure(take({ ...replica.connection }))).toMatchObject({ code: 'SERVER_UNREACHABLE', message: expect.stringContaining('not in sync') });
	expect(await failure(take({ ...connection, deployment: { ...connection.deployment, masterName: 'nobody' } as RedisConnection['deployment'] }))).toMatchObject({ message: expect.stringMatching(/does not know|nobody/) });
	expect(await failure(take(sentinel.connection))).toMatchObject({ message: expect.stringContaining('is a Sentinel') });
});

it('backs up every master of a cluster, and restores each key to the master of its slot', async () => {
	const nodes = await Promise.all([0, 1, 2].map(() => clusterNode()));
	await run('redis-cli', ['--cluster', 'create', ...nodes.map(({ port }) => `127.0.0.1:${port}`), '--cluster-yes']);
	const connection: RedisConnection = { ...nodes[0]!.connection, deployment: { mode: 'cluster', nodes: [{ host: '127.0.0.1', port: nodes[0]!.port }] } };
	await until(async () => (await Promise.all(nodes.map(({ redis }) => redis.call('CLUSTER', 'INFO')))).every((info) => String(info).includes('cluster_state:ok')));
	for (let at = 0; at < 60; at++) await run('redis-cli', ['-c', '-p', String(nodes[0]!.port), 'SET', `key:${at}`, `value ${at}`]);
	const store = new MemoryStore();
	const manifest = await take(connection, store);
	expect(manifest.artifacts.filter(({ role }) => role === 'rdb').map(({ name }) => name)).toHaveLength(3);
	expect(manifest.redis?.snapshots?.map(({ slots }) => slots.length)).toEqual([1, 1, 1]);
	expect(keysOf(manifest)).toBe(60);
	expect(await failure(take(nodes[0]!.connection))).toMatchObject({ message: expect.stringContaining('node of a cluster') });

	const before = await Promise.all(nodes.map((node) => node.digest()));
	for (const node of nodes) await node.redis.flushall();
	const target = { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' } as const;
	const result = await restoreRedis({ store, connection, backup: { by: 'latest' }, target, minimumVerification: 'none', dryRun: false, confirmation: '' }, context);
	expect(result.restored).toBe(60);
	expect(await Promise.all(nodes.map((node) => node.digest()))).toEqual(before);

	await nodes[0]!.redis.call('CLUSTER', 'DELSLOTS', 0);
	expect(await failure(take(connection))).toMatchObject({ message: expect.stringContaining('1 of the 16384 slots') });
});

async function clusterNode(): Promise<RedisServer> {
	const port = await freePort();
	return await start({ port, settings: { 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()), 'cluster-node-timeout': '2000' } });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
	const end = performance.now() + 20_000;
	while (!(await condition())) {
		if (performance.now() > end) throw new Error('it did not come about');
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

it('restores a value far above what is held in memory, and leaves out what has expired', async () => {
	const [source, target] = [await start(), await start()];
	await source.redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
	await source.redis.setrange('huge', 30 * 1024 * 1024, 'end');
	await source.redis.set('gone', 'x', 'PX', 5);
	await source.redis.set('stays', 'y', 'EX', 1000);
	await new Promise((resolve) => setTimeout(resolve, 20));
	const store = new MemoryStore();
	const manifest = await take(source.connection, store);
	expect(keysOf(manifest)).toBe(3);
	const way = { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' } as const;
	const result = await restoreRedis({ store, connection: target.connection, backup: { by: 'latest' }, target: way, minimumVerification: 'none', dryRun: false, confirmation: '' }, context);
	expect(result).toMatchObject({ restored: 2, expired: 1 });
	expect(await target.redis.call('DEBUG', 'DIGEST-VALUE', 'huge')).toEqual(await source.redis.call('DEBUG', 'DIGEST-VALUE', 'huge'));
});

it('refuses a replica, a target that is too small, and databases that it does not have', async () => {
	const source = await start();
	await source.redis.call('SELECT', 9);
	// Redis looks at its limit before each command: whichever large value comes first, the next one is refused.
	await source.redis.mset('a', '1', 'b', 'x'.repeat(2_000_000), 'c', 'y'.repeat(2_000_000), 'd', 'z'.repeat(2_000_000));
	const store = new MemoryStore();
	await take(source.connection, store);
	const way = { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' } as const;
	const options = (connection: RedisConnection) => ({ store, connection, backup: { by: 'latest' } as const, target: way, minimumVerification: 'none' as const, dryRun: false, confirmation: '' });
	const replica = await start({ settings: { replicaof: `127.0.0.1 ${source.port}` } });
	expect(await failure(restoreRedis(options(replica.connection), context))).toMatchObject({ message: expect.stringContaining('is a replica') });
	const few = await start({ settings: { databases: '2' } });
	expect(await failure(restoreRedis(options(few.connection), context))).toMatchObject({ message: expect.stringContaining('database 9') });
	const small = await start({ settings: { maxmemory: '1500kb' } });
	expect((await failure(restoreRedis(options(small.connection), context))).message).toMatch(/OOM/);
	const unverified = await failure(restoreRedis({ ...options(few.connection), minimumVerification: 'restore' }, context));
	expect(unverified.code).toBe('NOT_VERIFIED');
});
