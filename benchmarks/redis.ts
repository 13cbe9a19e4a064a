import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '../test/support/redis-server';
import { type Contender, type Run, runShell, sideBySide } from './measure';
import { writeReport } from './report';
import { runBuiltJob } from './run-built-job';
import { folderBytes, inScratch } from './scratch';

/** About 1 GB in the RDB: strings that do not compress away, hashes, sorted sets and lists. `BENCH_REDIS_KEYS` makes it smaller, to try it out. */
const KEYS = Number(process.env.BENCH_REDIS_KEYS ?? 500_000);

const FILL = `
local last = tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1
for at = tonumber(ARGV[1]), last do
  redis.call('SET', 'session:' .. at, redis.sha1hex(at) .. redis.sha1hex(at + 1) .. string.rep(redis.sha1hex(at * 7), 10), 'EX', 1000000)
  if at % 10 == 0 then redis.call('HSET', 'contact:' .. at, 'name', 'Name ' .. at, 'email', at .. '@example.com', 'note', redis.sha1hex(at)) end
  redis.call('ZADD', 'score:' .. at % 1000, at, 'member ' .. at)
  redis.call('RPUSH', 'queue:' .. at % 500, redis.sha1hex(at))
end`;

/** Our snapshot beside `redis-cli --rdb`, and our restores beside a server's own loading of the file. */
export async function benchmarkRedis(rounds: number): Promise<void> {
	const source = await startRedis({ settings: { rdbcompression: 'no' } });
	const target = await startRedis();
	try {
		for (let at = 0; at < KEYS; at += 20_000) await source.redis.call('EVAL', FILL, 0, at, Math.min(20_000, KEYS - at));
		await compareSnapshots(source, rounds);
		await compareRestores(source, target, rounds);
	} finally {
		await source.stop();
		await target.stop();
	}
}

async function compareSnapshots(source: RedisServer, rounds: number): Promise<void> {
	const peer = (name: string, command: (folder: string) => string): Contender => ({
		name,
		run: () => inScratch(async (folder) => ({ ...(await runShell(command(folder))), bytes: folderBytes(folder) })),
	});
	const measured = await sideBySide(
		[
			{ name: 'ours: zstd 1, checked as it streams', run: () => inScratch(async (folder) => await snapshot(source, folder)) },
			peer('redis-cli --rdb | zstd -1 -T2 (same compression)', (folder) => `redis-cli -p ${source.port} --rdb - 2>/dev/null | zstd -q -1 -T2 -o ${folder}/dump.rdb.zst`),
			peer('redis-cli --rdb', (folder) => `redis-cli -p ${source.port} --rdb ${folder}/dump.rdb >/dev/null 2>&1`),
			peer('redis-cli --rdb, redis-check-rdb, zstd -1 -T2 (what ours does)', (folder) => `redis-cli -p ${source.port} --rdb ${folder}/dump.rdb >/dev/null 2>&1 && redis-check-rdb ${folder}/dump.rdb >/dev/null 2>&1 && zstd -q --rm -1 -T2 ${folder}/dump.rdb`),
		],
		rounds,
	);
	writeReport('redis-snapshot.md', [
		{
			title: `Snapshot of Redis, ${KEYS} sessions and what belongs to them`,
			text: 'Ours is the whole job: process start, snapshot, CRC-64 and structure of every value, SHA-256 of both sides, compression, manifest, fsync. redis-cli only copies.',
			measured,
			baseline: 'redis-cli --rdb',
		},
	]);
}

async function snapshot(source: RedisServer, folder: string): Promise<Run> {
	const { result, run } = await runBuiltJob<'redis.snapshot'>({ kind: 'redis.snapshot', connection: source.connection, store: { type: 'folder', path: folder } });
	return { ...run, bytes: result.backup.storedBytes };
}

async function compareRestores(source: RedisServer, target: RedisServer, rounds: number): Promise<void> {
	await inScratch(async (folder) => {
		const store = join(folder, 'store');
		mkdirSync(store);
		await snapshot(source, store);
		await runShell(`redis-cli -p ${source.port} --rdb ${folder}/dump.rdb >/dev/null 2>&1`);
		const ours = (name: string, mode: 'keys' | 'replace'): Contender => ({
			name,
			run: async () => {
				await target.redis.flushall();
				const way = mode === 'keys' ? { mode } : { mode, listen: { host: '127.0.0.1', port: 0 } };
				const { run } = await runBuiltJob<'redis.restore'>({
					kind: 'redis.restore',
					store: { type: 'folder', path: store },
					connection: target.connection,
					backup: { by: 'latest' },
					target: way,
				});
				return run;
			},
		});
		const measured = await sideBySide(
			[
				ours('ours: key by key into a running server, checked before', 'keys'),
				ours('ours: replacement of all data, checked before', 'replace'),
				{
					name: 'redis-server loads the file (must be stopped for it)',
					run: async () => {
						await target.redis.flushall();
						return await runShell(`cp ${folder}/dump.rdb ${target.folder}/dump.rdb && redis-cli -p ${target.port} DEBUG RELOAD NOSAVE NOFLUSH >/dev/null`);
					},
				},
			],
			rounds,
		);
		writeReport('redis-restore.md', [
			{
				title: 'Restore of the same Redis',
				text: 'Ours reads, decompresses and checks all of the backup twice: once before the first key reaches the target, once while it is sent.',
				measured,
				baseline: 'redis-server loads the file (must be stopped for it)',
			},
		]);
	});
}
