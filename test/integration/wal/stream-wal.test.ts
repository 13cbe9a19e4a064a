import { randomBytes } from 'node:crypto';
import { BackupError } from '../../../lib/core/errors';
import type { Store } from '../../../lib/storage/store';
import type { WalItem } from '../../../lib/postgres/wal/stream-items';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { listWal } from '../../../lib/postgres/wal/wal-archive';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { times } from '../../support/breadth';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';
import { archived, digest, digestOnServer, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

let server: PostgresServer;
let system: string;
let store: MemoryStore;
let contexts: TestContext[];

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	system = await systemIdentifier(server);
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => await server?.stop());
beforeEach(() => {
	store = new MemoryStore();
	contexts = [];
});
afterEach(async () => {
	await Promise.all(contexts.map(async (context) => await context.remove()));
	await server.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active`);
});

const DEFAULTS = { name: 'main', slotName: 'backup_recovery', compressionLevel: 1, lockWaitSeconds: 0, pieceSeconds: 0.2, itemPerSegment: false, itemSeconds: 0.5, heartbeatSeconds: 0.5 };

interface Stream {
	readonly items: WalItem[];
	readonly context: TestContext;
	/** Settled once it has ended. */
	readonly ended: Promise<unknown>;
	stop(): Promise<void>;
}

async function stream(options: Partial<typeof DEFAULTS> = {}, into: Store = store, overrides: Parameters<typeof testContext>[0] = {}): Promise<Stream> {
	const context = await testContext(overrides);
	contexts.push(context);
	const items: WalItem[] = [];
	const ended = streamWal({ ...DEFAULTS, connection: server.connection, ...options }, into, context, (item) => items.push(item)).catch((error: unknown) => error);
	const stop = async () => {
		context.abort();
		await ended;
	};
	return { items, context, ended, stop };
}

const write = async (rows: number) => await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, ${rows}) n`);
const currentLsn = async () => BigInt((await server.query<{ lsn: string }>(`SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint::text AS lsn`))[0]!.lsn);
const archivedTo = async () => {
	let end = 0n;
	for await (const { name } of listWal(store, system)) {
		if (name.endsWith('.history')) continue;
		const [file, from] = name.split('.');
		const start = BigInt(`0x${file!.slice(8, 16)}`) * 0x1_0000_0000n + BigInt(`0x${file!.slice(16)}`) * 0x100_0000n;
		const reach = start + (from === undefined ? 0x100_0000n : BigInt(`0x${name.split('-to-')[1]!}`));
		if (reach > end) end = reach;
	}
	return end;
};
/** Equal to what the server still has of it, whole segments without a gap. */
async function expectEqual(): Promise<number> {
	const context = await testContext();
	contexts.push(context);
	const segments = [...(await archived(store, context, system))].filter(([name]) => name.length === 24);
	for (const [index, [name, bytes]] of segments.entries()) {
		const onServer = await digestOnServer(server, name);
		if (onServer) expect([name, digest(bytes)]).toEqual([name, onServer]);
		if (index > 0) expect(Number.parseInt(name.slice(16), 16)).toBe(Number.parseInt(segments[index - 1]![0].slice(16), 16) + 1);
	}
	return segments.length;
}

test('archives what is written within seconds, whole segments and the open one, and says so', async () => {
	// Whether the server is idle, its own clock tells; ours may be wrong.
	const { items, ended, stop } = await stream({}, store, { now: () => new Date(Date.now() - 3_600_000) });
	await until('it starts', () => items.some(({ event }) => event === 'started'));
	await write(60_000);
	const written = await currentLsn();
	await until('it is archived', async () => (await archivedTo()) >= written);
	await until('a summary comes', () => items.some((item) => item.event === 'archived' && item.segments > 0));
	// An idle server is given commits, and they arrive.
	const idle = items.length;
	const last = () => items.flatMap((item) => (item.event === 'archived' && item.lastCommitAt !== null ? [item.lastCommitAt] : [])).at(-1) ?? '';
	const before = last();
	await until('time goes on', () => items.length > idle && last() > before);
	const summary = items.findLast((item) => item.event === 'archived')!;
	expect(summary).toMatchObject({ timeline: 1, slot: { name: 'backup_recovery', walStatus: 'reserved' }, server: 'main', systemIdentifier: system });
	expect(items.every((item) => item.event !== 'archived' || item.rpoSeconds < 20)).toBe(true);
	// A scheduled catch-up has nothing to do but wait until the stream has come so far.
	const other = await testContext();
	contexts.push(other);
	const caughtUp = await archiveWal({ name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0, connection: server.connection }, store, other);
	expect(caughtUp).toMatchObject({ segments: 0, pieces: 0, slot: { walStatus: 'reserved' } });
	await stop();
	expect(await ended).toMatchObject({ code: 'CANCELLED' });
	await until('its sessions have gone', async () => (await server.sessions()).length === 0);
	expect(await expectEqual()).toBeGreaterThan(0);
	expect(store.keys('locks/')).toEqual([]);
});

test('a connection that is cut again and again loses nothing', async () => {
	const { items, stop } = await stream({ itemSeconds: 0.2 });
	await until('it starts', () => items.some(({ event }) => event === 'started'));
	for (let round = 0; round < times(20, 7); round++) {
		await write(6000 + randomBytes(1).readUInt8(0) * 120);
		await new Promise((resolve) => setTimeout(resolve, randomBytes(1).readUInt8(0)));
		await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_replication`);
	}
	const written = await currentLsn();
	// Cut before it had come to archiving, it lets more and more time pass before it tries again, up to a minute.
	await until('it has caught up', async () => (await archivedTo()) >= written, 150);
	expect(items.filter(({ event }) => event === 'warning').length).toBeGreaterThan(1);
	await stop();
	expect(await expectEqual()).toBeGreaterThan(2);
}, 240_000);

test('a full store is waited for; what comes meanwhile is kept by the server and archived afterwards', async () => {
	let full = false;
	class FillingStore extends MemoryStore {
		override async put(...[key, source, options]: Parameters<MemoryStore['put']>): Promise<number> {
			if (full && key.startsWith('wal/')) throw new BackupError('STORE_FULL', 'The store is full.', 'Make room.');
			return await super.put(key, source, options);
		}
	}
	store = new FillingStore();
	const { items, stop } = await stream();
	await until('it starts', () => items.some(({ event }) => event === 'started'));
	full = true;
	await write(60_000);
	await until('it says so', () => items.some((item) => item.event === 'warning' && item.code === 'STORE_FULL'));
	await write(60_000);
	const written = await currentLsn();
	// It tries again later and later, and what goes on is no news.
	items.length = 0;
	await new Promise((resolve) => setTimeout(resolve, 4000));
	expect(items.filter(({ event }) => event === 'started').length).toBeLessThan(4);
	expect(items.filter(({ event }) => event === 'warning')).toEqual([]);
	expect(await archivedTo()).toBeLessThan(written);
	full = false;
	await until('it has caught up', async () => (await archivedTo()) >= written);
	await stop();
	expect(await expectEqual()).toBeGreaterThan(1);
}, 120_000);

test('what the server no longer has is said by the stream too, and nothing is called started that fails', async () => {
	const before = await stream();
	await until('something is archived', () => before.items.some((item) => item.event === 'archived' && item.pieces + item.segments > 0));
	await before.stop();
	await server.query(`SELECT pg_drop_replication_slot('backup_recovery')`);
	for (let n = 0; n < 3; n++) {
		await write(20_000);
		await server.query('SELECT pg_switch_wal()');
	}
	await server.query('CHECKPOINT');
	await server.query('CHECKPOINT');
	const refused = await stream();
	expect(await refused.ended).toMatchObject({ code: 'WAL_GAP' });
	expect(refused.items.filter(({ event }) => event === 'started')).toEqual([]);
	const context = await testContext();
	contexts.push(context);
	await takeBaseBackup({ connection: server.connection, name: 'main', mode: 'full', mostIncrementals: 0, whenImpossible: 'fail', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
	const { items, stop } = await stream();
	await until('an item says what is missing', () => items.some((item) => item.event === 'archived' && item.gaps.length > 0));
	expect(items.filter(({ event }) => event === 'started')).toHaveLength(1);
	expect(items.filter((item) => item.event === 'warning')).toMatchObject([{ code: 'WAL_GAP', message: expect.stringContaining('missing and stays so') }]);
	await stop();
}, 120_000);
