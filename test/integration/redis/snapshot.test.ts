import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readArtifact } from '../../../lib/backup/read-artifact';
import type { Manifest } from '../../../lib/catalog/manifest';
import { NO_KEYS } from '../../../lib/core/keys';
import { takeSnapshot } from '../../../lib/redis/snapshot';
import type { RedisConnection } from '../../../lib/redis/connection-settings';
import { MemoryStore } from '../../support/memory-store';
import { type RedisServer, startRedis } from '../../support/redis-server';
import { fillWithVariety } from '../../support/redis-variety';
import { testContext, type TestContext } from '../../support/job-context';

const run = promisify(execFile);

let server: RedisServer;
let context: TestContext;
beforeAll(async () => {
	[server, context] = await Promise.all([startRedis(), testContext()]);
	await fillWithVariety(server.redis);
});
afterAll(async () => {
	await server.stop();
	await context.remove();
});

async function snapshot(connection: RedisConnection, store = new MemoryStore()): Promise<{ manifest: Manifest; rdb: Buffer }> {
	const manifest = await takeSnapshot({ connection, name: '', compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
	return { manifest, rdb: await storedRdb(store, manifest) };
}

async function storedRdb(store: MemoryStore, manifest: Manifest, name = 'dump.rdb.zst'): Promise<Buffer> {
	const chunks: Buffer[] = [];
	const artifact = manifest.artifacts.find((one) => one.name === name)!;
	for await (const chunk of readArtifact(store, manifest, artifact, { signal: context.signal, keys: NO_KEYS })) chunks.push(chunk);
	return Buffer.concat(chunks);
}

it('stores what redis-cli --rdb writes, and redis-check-rdb and a load agree', async () => {
	const { manifest, rdb } = await snapshot(server.connection);
	expect(manifest.redis).toMatchObject({ flavor: 'redis', rdbVersion: 10, deployment: 'standalone' });
	expect(manifest.redis!.databases.map(({ index, keys, expiring }) => [index, keys, expiring])).toEqual([[0, await server.redis.dbsize(), 2], [3, 2, 1], [15, 1, 0]]);
	const file = join(context.workFolder, 'dump.rdb');
	await writeFile(file, rdb);
	const { stdout } = await run('redis-check-rdb', [file]);
	expect(stdout).toContain('RDB looks OK');
	const loaded = await startRedis({ rdb });
	try {
		expect(await loaded.digest()).toBe(await server.digest());
	} finally {
		await loaded.stop();
	}
	const peer = join(context.workFolder, 'peer.rdb');
	await server.cli('--rdb', peer);
	expect(rdb.length).toBe((await readFile(peer)).length);
});
