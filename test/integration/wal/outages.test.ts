import { BackupError } from '../../../lib/core/errors';
import type { WalItem } from '../../../lib/postgres/wal/stream-items';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

/** The life of a lock in seconds instead of minutes: an outage that is longer than that is what this is about. */
jest.mock('../../../lib/catalog/lock-record', () => {
	const actual = jest.requireActual<typeof import('../../../lib/catalog/lock-record')>('../../../lib/catalog/lock-record');
	const DEAD_AFTER_MS = 1800;
	return { ...actual, HEARTBEAT_MS: 300, DEAD_AFTER_MS, isDead: (lock: { readonly modifiedAt: Date }, storeNow: Date) => storeNow.getTime() - lock.modifiedAt.getTime() > DEAD_AFTER_MS };
});

const OPTIONS = { name: 'main', slotName: 'backup_recovery', compressionLevel: 1, lockWaitSeconds: 0, pieceSeconds: 0.2, itemPerSegment: false, itemSeconds: 0.5, heartbeatSeconds: 0.5 };

let server: PostgresServer;
let system: string;

beforeAll(async () => {
	server = await startPostgres({ settings: { ...STREAMED_SERVER, max_slot_wal_keep_size: '32MB' } });
	system = await systemIdentifier(server);
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => await server?.stop());

/** A store that is away, or hangs, for as long as the test says. */
class FailingStore extends MemoryStore {
	away = false;
	/** Of the archive, not of locks. */
	hanging: Promise<void> | undefined;

	override async put(...[key, source, options]: Parameters<MemoryStore['put']>): Promise<number> {
		this.answer();
		if (key.startsWith('wal/')) await this.hanging;
		return await super.put(key, source, options);
	}
	override async remove(key: string): Promise<void> {
		this.answer();
		await super.remove(key);
	}
	override async stat(key: string) {
		this.answer();
		return await super.stat(key);
	}
	override async *list(prefix: string) {
		this.answer();
		yield* super.list(prefix);
	}

	private answer(): void {
		if (this.away) throw new BackupError('STORE_UNAVAILABLE', 'The store does not answer.', 'Wait.');
	}
}

const write = async (rows: number) => await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, ${rows}) n`);
const caughtUp = async () => {
	const [row] = await server.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
	await until('it has caught up', async () => (await server.query<{ there: boolean }>(`SELECT restart_lsn >= '${row!.lsn}'::pg_lsn AS there FROM pg_replication_slots`))[0]!.there);
};

async function expectEqual(store: MemoryStore): Promise<void> {
	const context = await testContext();
	for (const [name, bytes] of await archived(store, context, system)) {
		const [file, from] = name.split(/\.from-|-to-/);
		const [row] = await server.query<{ content: Buffer | null }>(`SELECT pg_read_binary_file('pg_wal/${file}', ${Number.parseInt(from ?? '0', 16)}, ${bytes.length}, true) AS content`);
		if (row!.content) expect([name, digest(bytes)]).toEqual([name, digest(row!.content)]);
	}
	await context.remove();
}

test('a store that is away for longer than a lock lives is waited for: told once, and all is archived afterwards', async () => {
	const store = new FailingStore();
	const context = await testContext();
	const items: WalItem[] = [];
	const warnings = () => items.flatMap((item) => (item.event === 'warning' ? [item.code] : []));
	const rpo = () => items.flatMap((item) => (item.event === 'archived' ? [item.rpoSeconds] : [])).at(-1) ?? 0;
	const ended = streamWal({ ...OPTIONS, connection: server.connection }, store, context, (item) => items.push(item)).catch((error: unknown) => error);
	await until('something is archived', () => items.some((item) => item.event === 'archived' && item.pieces > 0));
	store.away = true;
	await write(1000);
	// Its lock is lost after four heartbeats, and dead after six.
	await until('its lock is lost', () => warnings().includes('LOCK_LOST'));
	const away = performance.now();
	await new Promise((resolve) => setTimeout(resolve, 2500));
	// What may be lost grows while nobody can write it down.
	expect(rpo()).toBeGreaterThan(2);
	expect([...warnings()].sort()).toEqual(['LOCK_LOST', 'STORE_UNAVAILABLE']);
	const back = (performance.now() - away) / 1000;
	store.away = false;
	await caughtUp();
	await until('it says so', () => rpo() < 2);
	const worst = Math.max(...items.flatMap((item) => (item.event === 'archived' ? [item.rpoSeconds] : [])));
	expect(worst).toBeGreaterThan(back - 1);
	context.abort();
	expect(await ended).toMatchObject({ code: 'CANCELLED' });
	expect(store.keys('locks/')).toEqual([]);
	await expectEqual(store);
	await context.remove();
}, 120_000);

test('a store that hangs shows in every item, and the slot is warned of before the server drops it', async () => {
	const store = new FailingStore();
	const context = await testContext();
	const items: WalItem[] = [];
	const ended = streamWal({ ...OPTIONS, connection: server.connection }, store, context, (item) => items.push(item)).catch((error: unknown) => error);
	await until('something is archived', () => items.some((item) => item.event === 'archived' && item.pieces > 0));
	let goOn = () => {};
	store.hanging = new Promise((resolve) => (goOn = resolve));
	const since = performance.now();
	await write(100);
	const about = (text: string) => items.some((item) => item.event === 'warning' && item.code === null && item.message.includes(text));
	for (let round = 0; round < 40 && !about('may be lost after'); round++) {
		await write(10_000);
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
	expect(about('may be lost after')).toBe(true);
	const hung = (performance.now() - since) / 1000;
	await until('an item tells it', () => {
		const last = items.findLast((item) => item.event === 'archived');
		return last?.event === 'archived' && last.rpoSeconds > hung - 1 && (last.slot.heldBytes ?? 0) > 10_000_000;
	});
	goOn();
	await caughtUp();
	context.abort();
	await ended;
	await expectEqual(store);
	await context.remove();
}, 120_000);
