import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { restoreRedis } from '../../../lib/redis/restore/restore-redis';
import type { RedisRestoreOptions, RedisRestoreTarget } from '../../../lib/redis/restore/options';
import { takeSnapshot } from '../../../lib/redis/snapshot';
import { redisDrill } from '../../../lib/verify/redis-drill';
import { verifyIntegrity } from '../../../lib/verify/verify-integrity';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type RedisServer, startRedis } from '../../support/redis-server';
import { fillWithVariety } from '../../support/redis-variety';

let source: RedisServer;
let target: RedisServer;
let context: TestContext;
const store = new MemoryStore();
beforeAll(async () => {
	[source, target, context] = await Promise.all([startRedis(), startRedis({ settings: { appendonly: 'yes' }, password: 'p' }), testContext()]);
	await fillWithVariety(source.redis);
	await takeSnapshot({ connection: source.connection, name: '', compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
});
beforeEach(async () => {
	await target.redis.flushall();
	await target.redis.call('FUNCTION', 'FLUSH');
});
afterAll(async () => {
	await Promise.all([source.stop(), target.stop(), context.remove()]);
});

function options(way: RedisRestoreTarget, rest: Partial<RedisRestoreOptions> = {}): RedisRestoreOptions {
	return { store, connection: target.connection, backup: { by: 'latest' }, target: way, minimumVerification: 'none', dryRun: false, confirmation: `127.0.0.1:${target.port}`, ...rest };
}
const replace: RedisRestoreTarget = { mode: 'replace', listen: { host: '127.0.0.1', port: 0 }, announce: { host: '', port: 0 } };

describe('replace', () => {
	it('exchanges all data of a running server, append-only file included', async () => {
		await target.redis.set('old', 'gone afterwards');
		const result = await restoreRedis(options(replace), context);
		expect(await target.digest()).toBe(await source.digest());
		expect(await target.redis.call('FCALL', 'answer', 0)).toBe(42);
		expect(await target.redis.call('ROLE')).toEqual(expect.arrayContaining(['master']));
		expect(result.comparison.every(({ equal }) => equal)).toBe(true);
		await target.redis.set('takes', 'writes');
		await target.redis.call('DEBUG', 'LOADAOF');
		expect(await target.redis.get('takes')).toBe('writes');
		expect(await target.redis.get('old')).toBeNull();
	});

	it('leaves the old data and a master when the job is cancelled', async () => {
		await target.redis.set('old', 'kept');
		const own = await testContext();
		const reports = { ...own, progress: (event: { step: string }) => void (/^Sending/.test(event.step) && own.abort()) };
		expect((await failure(restoreRedis(options(replace), reports))).code).toBe('CANCELLED');
		expect(await target.redis.get('old')).toBe('kept');
		expect(await target.redis.call('ROLE')).toEqual(expect.arrayContaining(['master']));
		await own.remove();
	});

	it('says where the target should have come when it cannot', async () => {
		const unreachable: RedisRestoreTarget = { mode: 'replace', listen: { host: '127.0.0.1', port: 0 }, announce: { host: '127.0.0.1', port: 1 } };
		const failed = await failure(restoreRedis(options(unreachable, { connection: { ...target.connection, idleTimeoutSeconds: 1 } }), context));
		expect(failed.message).toContain('127.0.0.1:1');
		expect(await target.redis.call('ROLE')).toEqual(expect.arrayContaining(['master']));
	});
});

describe('file', () => {
	it('writes an RDB that Redis loads, and never over another', async () => {
		const folder = join(context.workFolder, 'out');
		await mkdir(folder);
		const result = await restoreRedis(options({ mode: 'file', folder }, { connection: null }), context);
		expect(result.files).toEqual([join(folder, 'dump.rdb')]);
		expect(result.plan.join('\n')).toContain('appendonly');
		const loaded = await startRedis({ rdb: await readFile(join(folder, 'dump.rdb')) });
		expect(await loaded.digest()).toBe(await source.digest());
		await loaded.stop();
		expect((await failure(restoreRedis(options({ mode: 'file', folder }, { connection: null }), context))).code).toBe('PATH_REFUSED');
		expect(await readdir(folder)).toEqual(['dump.rdb']);
	});
});

describe('drill', () => {
	it('has a server of its own load the snapshot', async () => {
		const result = await redisDrill({ store, backup: { by: 'latest' }, connection: null, serverProgram: '' }, context);
		expect(result.detail).toContain('started for it');
		expect(result.backup.verified?.level).toBe('restore');
	});

	it('fills an empty server and takes away what it put there', async () => {
		const result = await redisDrill({ store, backup: { by: 'latest' }, connection: target.connection, serverProgram: '' }, context);
		expect(result.passed).toBe(true);
		expect(await target.redis.call('INFO', 'keyspace')).not.toContain('db');
		expect(await target.redis.call('FUNCTION', 'LIST')).toEqual([]);
	});

	it('refuses a server that holds anything', async () => {
		await target.redis.set('a', 'b');
		expect((await failure(redisDrill({ store, backup: { by: 'latest' }, connection: target.connection, serverProgram: '' }, context))).code).toBe('DATABASE_NOT_EMPTY');
		expect(await target.redis.get('a')).toBe('b');
	});

	it('checks the structure from the store', async () => {
		const result = await verifyIntegrity({ store, component: 'redis', backup: { by: 'latest' }, level: 'structure', clientFolder: '' }, context);
		expect(result.detail).toContain('keys, as recorded');
	});
});
