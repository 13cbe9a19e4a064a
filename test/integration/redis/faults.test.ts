import { once } from 'node:events';
import { restoreRedis } from '../../../lib/redis/restore/restore-redis';
import { takeSnapshot } from '../../../lib/redis/snapshot';
import type { RedisConnection } from '../../../lib/redis/connection-settings';
import { failure } from '../../support/failure';
import { fakeRedis } from '../../support/fake-redis';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { RdbWriter } from '../../support/rdb-writer';

let context: TestContext;
beforeEach(async () => (context = await testContext()));
afterEach(async () => await context.remove());

const options = (connection: RedisConnection) => ({ connection, name: '', compressionLevel: 1, lockWaitSeconds: 0 });
const rdb = new RdbWriter(10).key(0, 'key').string('value').end();
const mark = 'm'.repeat(40);
const latin = (bytes: Buffer) => bytes.toString('latin1');
const visible = (store: MemoryStore) => [...store.objects.keys()].filter((key) => key.startsWith('backups/'));

/** Answers SYNC, and everything else as a healthy server. */
const sync = (answer: string) => (args: string[]) => (args[0] === 'SYNC' ? answer : undefined);

describe('a master', () => {
	it.each([
		['sends its snapshot from disk', `$${rdb.length}\r\n${latin(rdb)}`],
		['sends it while it makes it', `$EOF:${mark}\r\n${latin(rdb)}${mark}`],
		['lets us wait before', `\n\n\n$${rdb.length}\r\n${latin(rdb)}`],
		['sends commands behind it', `$EOF:${mark}\r\n${latin(rdb)}${mark}*1\r\n$4\r\nPING\r\n`],
	])('that %s is backed up', async (_, answer) => {
		const server = await fakeRedis(sync(answer));
		const manifest = await takeSnapshot(options(server.connection), new MemoryStore(), context);
		expect(manifest.redis?.databases).toMatchObject([{ index: 0, keys: 1 }]);
		expect(server.commands.map((args) => args.join(' '))).toEqual(expect.arrayContaining(['REPLCONF capa eof', 'REPLCONF rdb-only 1', 'SYNC']));
		await server.stop();
	});

	const damaged = Buffer.from(rdb);
	damaged[15]! ^= 1;
	it.each([
		['hangs before its snapshot', '\n', 'TIMED_OUT', 'sent nothing for 1 seconds'],
		['hangs in the middle of it', `$${rdb.length}\r\n${latin(rdb.subarray(0, 12))}`, 'TIMED_OUT', 'sent nothing'],
		['sends a damaged one', `$${damaged.length}\r\n${latin(damaged)}`, 'SERVER_ERROR', 'not a sound RDB'],
		['sends a short one', `$EOF:${mark}\r\n${latin(rdb.subarray(0, 14))}${mark}`, 'SERVER_ERROR', 'it ends after 14 bytes'],
		['cannot fork', '-ERR BGSAVE failed, replication can\'t continue\r\n', 'SERVER_ERROR', 'BGSAVE failed'],
		['may not be asked', "-NOPERM this user has no permissions to run the 'sync' command\r\n", 'PERMISSION_DENIED', 'NOPERM'],
		['is still loading', '-LOADING Redis is loading the dataset in memory\r\n', 'SERVER_UNREACHABLE', 'LOADING'],
		['is none', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'SERVER_ERROR', 'no version of Redis'],
	])('that %s leaves nothing visible', async (_, answer, code, words) => {
		const server = await fakeRedis(sync(answer));
		const store = new MemoryStore();
		const error = await failure(takeSnapshot(options(server.connection), store, context));
		expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)]);
		expect(visible(store)).toEqual([]);
		await server.stop();
	});

	it('that drops the connection at any byte leaves nothing visible', async () => {
		for (let cut = 0; cut < rdb.length; cut += 3) {
			const server = await fakeRedis((args, socket) => {
				if (args[0] !== 'SYNC') return undefined;
				socket.end(Buffer.concat([Buffer.from(`$${rdb.length}\r\n`), rdb.subarray(0, cut)]));
				return '';
			});
			const store = new MemoryStore();
			expect((await failure(takeSnapshot(options(server.connection), store, context))).code).toBe('SERVER_UNREACHABLE');
			expect(visible(store)).toEqual([]);
			await server.stop();
		}
	});

	it('of a service that forbids replication is told from a broken one, with what to do', async () => {
		const server = await fakeRedis((args) => (/^P?SYNC$/.test(args[0] ?? '') ? `-ERR unknown command \`${args[0]}\`, with args beginning with: \r\n` : undefined));
		const error = await failure(takeSnapshot(options(server.connection), new MemoryStore(), context));
		expect(error).toMatchObject({ code: 'SERVER_VERSION', hint: expect.stringContaining('Managed services') });
		await server.stop();
	});

	it('whose SYNC was renamed is asked by PSYNC', async () => {
		const server = await fakeRedis((args) => (args[0] === 'SYNC' ? '-ERR unknown command `SYNC`\r\n' : args[0] === 'PSYNC' ? `+FULLRESYNC ${'a'.repeat(40)} 0\r\n$${rdb.length}\r\n${latin(rdb)}` : undefined));
		expect((await takeSnapshot(options(server.connection), new MemoryStore(), context)).redis?.databases).toHaveLength(1);
		await server.stop();
	});

	it('is left at once when the job is cancelled', async () => {
		const server = await fakeRedis((args) => {
			if (args[0] === 'SYNC') setTimeout(() => context.abort(), 50);
			return args[0] === 'SYNC' ? '\n' : undefined;
		});
		const store = new MemoryStore();
		const started = performance.now();
		expect((await failure(takeSnapshot(options({ ...server.connection, idleTimeoutSeconds: 60 }), store, context))).code).toBe('CANCELLED');
		expect(performance.now() - started).toBeLessThan(1000);
		expect(visible(store)).toEqual([]);
		for (const socket of server.open) await once(socket, 'close');
		await server.stop();
	});
});

describe('a target', () => {
	const store = new MemoryStore();
	beforeAll(async () => {
		const source = await fakeRedis(sync(`$${rdb.length}\r\n${latin(rdb)}`));
		const own = await testContext();
		await takeSnapshot(options(source.connection), store, own);
		await own.remove();
		await source.stop();
	});
	const restore = (connection: RedisConnection, from = store) =>
		restoreRedis(
			{ store: from, connection, backup: { by: 'latest' }, target: { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' }, minimumVerification: 'none', dryRun: false, confirmation: '' },
			context,
		);
	const settings = (args: string[]) => (args[0]?.toUpperCase() === 'CONFIG' ? '*0\r\n' : undefined);

	it.each([
		['is out of memory', '-OOM command not allowed when used memory > \'maxmemory\'.\r\n', 'RESTORE_FAILED', 'OOM'],
		['is too old', '-ERR DUMP payload version or checksum are wrong\r\n', 'SERVER_VERSION', 'too old'],
		['has moved the slot', '-MOVED 1234 10.0.0.1:6379\r\n', 'RESTORE_FAILED', 'MOVED'],
		['hangs', '', 'TIMED_OUT', 'sent nothing'],
	])('that %s ends the restore with the reason', async (_, answer, code, words) => {
		const server = await fakeRedis((args) => (args[0] === 'RESTORE' ? answer : settings(args)));
		const error = await failure(restore(server.connection));
		expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)]);
		await server.stop();
	});

	it('gets not one byte of a damaged backup', async () => {
		const broken = new MemoryStore();
		for (const [key, object] of store.objects) {
			const content = Buffer.from(object.content);
			if (key.endsWith('.rdb.zst')) content[content.length >> 1]! ^= 1;
			broken.objects.set(key, { ...object, content });
		}
		const server = await fakeRedis(settings);
		expect((await failure(restore(server.connection, broken))).code).toBe('ARTIFACT_DAMAGED');
		expect(server.commands.map(([name]) => name)).not.toContain('RESTORE');
		await server.stop();
	});
});
