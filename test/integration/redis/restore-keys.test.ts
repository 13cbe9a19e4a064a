import { restoreRedis } from '../../../lib/redis/restore/restore-redis';
import type { RedisRestoreOptions, RedisRestoreTarget } from '../../../lib/redis/restore/options';
import { takeSnapshot } from '../../../lib/redis/snapshot';
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
	[source, target, context] = await Promise.all([startRedis(), startRedis({ settings: { appendonly: 'yes' } }), testContext()]);
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

const everything = { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' } as const;
function options(target_: RedisRestoreTarget, rest: Partial<RedisRestoreOptions> = {}): RedisRestoreOptions {
	return { store, connection: target.connection, backup: { by: 'latest' }, target: target_, minimumVerification: 'none', dryRun: false, confirmation: '', ...rest };
}
const address = () => `127.0.0.1:${target.port}`;

it('puts every type, database, expiry and function into a running server', async () => {
	const result = await restoreRedis(options(everything), context);
	expect(await target.digest()).toBe(await source.digest());
	expect(await target.redis.call('FCALL', 'answer', 0)).toBe(42);
	expect(result.comparison).toEqual([
		{ database: 0, expected: await source.redis.dbsize(), found: await source.redis.dbsize(), mayHaveExpired: 0, equal: true },
		{ database: 3, expected: 2, found: 2, mayHaveExpired: 0, equal: true },
		{ database: 15, expected: 1, found: 1, mayHaveExpired: 0, equal: true },
	]);
	expect(await target.redis.call('XINFO', 'STREAM', 'stream', 'FULL')).toEqual(await source.redis.call('XINFO', 'STREAM', 'stream', 'FULL'));
	expect(Number(await target.redis.call('PEXPIRETIME', 'later'))).toBe(Number(await source.redis.call('PEXPIRETIME', 'later')));
});

it('shows in a dry run what it would do, and changes nothing', async () => {
	const result = await restoreRedis(options(everything, { dryRun: true }), context);
	expect(result.plan.length).toBeGreaterThan(2);
	expect(result.checks.map(({ state }) => state)).not.toContain('failed');
	expect(await target.redis.dbsize()).toBe(0);
});

it('touches a target with keys only when its address was typed, and keeps or overwrites what is there', async () => {
	await target.redis.mset('plain', 'mine', 'other', 'mine too');
	const refused = await failure(restoreRedis(options(everything, { confirmation: 'yes' }), context));
	expect(refused.code).toBe('NOT_CONFIRMED');
	expect(refused.hint).toContain(address());
	expect(await target.redis.dbsize()).toBe(2);

	const kept = await restoreRedis(options(everything, { confirmation: address() }), context);
	expect(kept.kept).toBe(1);
	expect(await target.redis.get('plain')).toBe('mine');

	const overwritten = await restoreRedis(options({ ...everything, existing: 'overwrite' }, { confirmation: address() }), context);
	expect(overwritten.kept).toBe(0);
	expect(await target.redis.get('plain')).toBe('text');
	expect(await target.redis.get('other')).toBe('mine too');
});

it('keeps what it is about to overwrite as a safety backup, which comes back only when it is named', async () => {
	await target.redis.set('plain', 'mine');
	const before = await takeSnapshot({ connection: target.connection, name: 'redis', compressionLevel: 1, lockWaitSeconds: 0, safety: true }, store, context);
	expect(before.kind).toBe('safety');
	const overwritten = await restoreRedis(options({ ...everything, existing: 'overwrite' }, { confirmation: address() }), context);
	expect(overwritten.backup.id).not.toBe(before.id);
	expect(await target.redis.get('plain')).toBe('text');
	const back = await restoreRedis(options({ ...everything, existing: 'overwrite' }, { backup: { by: 'id', id: before.id }, confirmation: address() }), context);
	expect(back.backup).toMatchObject({ id: before.id, kind: 'safety' });
	expect(await target.redis.get('plain')).toBe('mine');
});

it('restores chosen keys and databases only', async () => {
	const result = await restoreRedis(options({ ...everything, patterns: ['set:*', 'hash*'], databases: [0, 3], functions: 'skip' }), context);
	expect((await target.redis.keys('*')).sort()).toEqual(['hash:large', 'hash:small', 'set:int', 'set:large', 'set:small']);
	expect(result.notChosen).toBeGreaterThan(10);
	expect(result.comparison.map(({ database, found }) => [database, found])).toEqual([[0, 5], [3, 1]]);
	expect(await target.redis.call('FUNCTION', 'LIST')).toEqual([]);
});
