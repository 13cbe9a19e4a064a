import type { RedisRestoreTarget } from '../../../lib/redis/restore/options';
import { restoreRedis } from '../../../lib/redis/restore/restore-redis';
import { takeSnapshot } from '../../../lib/redis/snapshot';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { describeWithFlavors } from '../../support/redis-flavors';
import { type RedisServer, startRedis } from '../../support/redis-server';
import { fillWithVariety } from '../../support/redis-variety';

jest.setTimeout(40_000);
const KEYS: RedisRestoreTarget = { mode: 'keys', existing: 'overwrite', patterns: [], databases: [], functions: 'restore' };
let context: TestContext;
beforeAll(async () => (context = await testContext()));
afterAll(async () => await context.remove());

describeWithFlavors(({ name, program }) => {
	let source: RedisServer;
	let target: RedisServer;
	const store = new MemoryStore();
	beforeAll(async () => {
		[source, target] = await Promise.all([startRedis({ program }), startRedis({ program, settings: { appendonly: 'yes' } })]);
		await fillWithVariety(source.redis, { functions: program.major >= 7 });
	});
	afterAll(async () => {
		await Promise.all([source?.stop(), target?.stop()]);
	});

	test('a snapshot says what it comes from', async () => {
		const manifest = await takeSnapshot({ connection: source.connection, name: '', compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
		expect(manifest).toMatchObject({ redis: { flavor: name.startsWith('Valkey') ? 'valkey' : 'redis' }, source: { serverMajor: program.major } });
	});

	test.each([
		['key by key', KEYS],
		['by replacement', { mode: 'replace' as const, listen: { host: '127.0.0.1', port: 0 }, announce: { host: '', port: 0 } }],
	])('comes back %s with the same digest', async (_, way) => {
		await target.redis.flushall();
		await restore(target, way);
		expect(await target.digest()).toBe(await source.digest());
	});

	test('goes into the Redis of this system, or is refused because that is too old for it', async () => {
		const system = await startRedis();
		try {
			const restored = restore(system, KEYS);
			if (program.major < 7) {
				await restored;
				expect(await system.redis.dbsize()).toBe(await source.redis.dbsize());
			} else {
				await expect(restored).rejects.toMatchObject({ code: 'SERVER_VERSION' });
				expect(await system.redis.dbsize()).toBe(0);
			}
		} finally {
			await system.stop();
		}
	});

	async function restore(server: RedisServer, way: RedisRestoreTarget) {
		const confirmation = `127.0.0.1:${server.port}`;
		await restoreRedis({ store, connection: server.connection, backup: { by: 'latest' }, target: way, minimumVerification: 'none', dryRun: false, confirmation }, context);
	}
});
