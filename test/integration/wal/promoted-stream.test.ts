import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import type { WalItem } from '../../../lib/postgres/wal/stream-items';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { listWal, readWalRecord } from '../../../lib/postgres/wal/wal-archive';
import { verifyContinuity } from '../../../lib/verify/verify-continuity';
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { type Standby, STANDBY_SETTINGS, startStandby } from '../../support/standby';
import { until } from '../../support/until';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const OPTIONS = { name: 'main', slotName: 'backup_recovery', compressionLevel: 1, lockWaitSeconds: 0, pieceSeconds: 0.2, itemPerSegment: false, itemSeconds: 0.5, heartbeatSeconds: null };

let first: PostgresServer;
let proxy: CuttingProxy;
let context: TestContext;
const standbys: Standby[] = [];

beforeAll(async () => {
	first = await startPostgres({ settings: { ...STREAMED_SERVER, ...STANDBY_SETTINGS } });
	proxy = await startCuttingProxy(first.port);
	context = await testContext();
	await first.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	await proxy?.stop();
	for (const { stop } of standbys.reverse()) await stop();
	await first?.stop();
	await context?.remove();
});

const write = async (server: PostgresServer) => await server.query(`INSERT INTO entries SELECT n, md5(n::text) FROM generate_series(1, 5000) n`);

test('a stream goes on with the standby that takes over, from a standby, and while that is promoted; another server ends it', async () => {
	const store = new MemoryStore();
	const system = await systemIdentifier(first);
	const connection = { ...first.connection, port: proxy.port };
	const items: WalItem[] = [];
	const base = await takeBaseBackup({ connection: first.connection, mode: 'full', mostIncrementals: 0, whenImpossible: 'fail', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
	const ended = streamWal({ ...OPTIONS, connection }, store, context, (item) => items.push(item)).catch((error: unknown) => error);
	const started = (timeline: number) => items.some((item) => item.event === 'started' && item.timeline === timeline);
	const current = async (server: PostgresServer) => (await server.query<{ file: string; offset: number }>('SELECT file_name AS file, file_offset AS offset FROM pg_walfile_name_offset(pg_current_wal_flush_lsn())'))[0]!;
	const isArchived = async (server: PostgresServer) => {
		const { file, offset } = await current(server);
		await until(`${file} is archived up to ${offset}`, async () => {
			for await (const { name } of listWal(store, system)) {
				if (name.startsWith(file) && (name === file || Number.parseInt(name.split('-to-')[1]!, 16) >= offset)) return true;
			}
			return false;
		});
	};
	await until('it starts', () => started(1));
	await write(first);
	await isArchived(first);

	const second = await startStandby(first);
	standbys.push(second);
	await second.caughtUp();
	await isArchived(first);
	await second.server.query('SELECT pg_promote()');
	proxy.target = second.server.port;
	proxy.cut();
	await write(second.server);
	await isArchived(second.server);
	expect(started(2)).toBe(true);

	const third = await startStandby(second.server);
	standbys.push(third);
	await isArchived(second.server);
	items.length = 0;
	proxy.target = third.server.port;
	proxy.cut();
	await until('it streams from the standby', () => started(2));
	await write(second.server);
	await isArchived(second.server);
	await third.caughtUp();
	await third.server.query('SELECT pg_promote()');
	await write(third.server);
	await isArchived(third.server);

	// By the clock of the server that writes it, or not at all.
	const records = await Promise.all((await archivedParts(store, system)).map(async (part) => (await readWalRecord(store, { ...part, systemIdentifier: system }, context.signal))!));
	const newest = (timeline: number) => records.filter((record) => record.timeline === timeline && record.content === 'piece').sort((a, b) => (a.archivedAt < b.archivedAt ? -1 : 1)).at(-1)!;
	expect(newest(2).sentAt).toBeNull();
	expect(newest(3).sentAt).not.toBeNull();
	const continuity = await verifyContinuity({ store, base: { by: 'id', id: base.id }, timeline: null, level: 'bytes', windowHours: 0, maxAgeMinutes: 60 }, context);
	expect(continuity).toMatchObject({ warnings: [], window: { timeline: 3, ends: 'nothing later is archived' } });
	for (const [name, bytes] of await archived(store, context, system)) {
		const [file, from] = name.split(/\.from-|-to-/);
		const writer = [first, second.server, third.server][Number.parseInt(name.slice(0, 8), 16) - 1]!;
		const [row] = await writer.query<{ content: Buffer | null }>(`SELECT pg_read_binary_file('pg_wal/${file}', ${Number.parseInt(from ?? '0', 16)}, ${bytes.length}, true) AS content`);
		if (row!.content) expect([name, digest(bytes)]).toEqual([name, digest(row!.content)]);
	}

	const other = await startPostgres({ settings: STREAMED_SERVER });
	try {
		const before = store.keys('wal/');
		proxy.target = other.port;
		proxy.cut();
		expect(await ended).toMatchObject({ code: 'WAL_CONFLICT', message: expect.stringContaining('another server now') });
		expect(store.keys('wal/').length).toBeGreaterThanOrEqual(before.length);
		expect(await store.listFolders('wal/')).toEqual([system]);
		expect(await other.query('SELECT slot_name FROM pg_replication_slots')).toEqual([]);
	} finally {
		await other.stop();
	}
}, 120_000);

async function archivedParts(store: MemoryStore, system: string): Promise<{ name: string; timeline: number }[]> {
	const parts: { name: string; timeline: number }[] = [];
	for await (const part of listWal(store, system)) parts.push(part);
	return parts;
}
