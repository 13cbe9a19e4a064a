import { randomInt } from 'node:crypto';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import type { WalItem } from '../../../lib/postgres/wal/stream-items';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { times } from '../../support/breadth';
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy';
import { failure } from '../../support/failure';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const ARCHIVE = { name: 'main', slotName: 'backup_recovery', compressionLevel: 1, lockWaitSeconds: 0 };
const STREAM = { ...ARCHIVE, pieceSeconds: 0.05, itemPerSegment: false, itemSeconds: null, heartbeatSeconds: null };
/** What comes before the log: the log-in and a few questions. */
const BEFORE_LOG = 6000;

let server: PostgresServer;
let proxy: CuttingProxy;

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	proxy = await startCuttingProxy(server.port);
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	await proxy?.stop();
	await server?.stop();
});

test('a socket that is cut in the middle of messages, at any byte, leaves no gap and no wrong byte', async () => {
	const store = new MemoryStore();
	const context = await testContext();
	const items: WalItem[] = [];
	const connection = { ...server.connection, port: proxy.port };
	const ended = streamWal({ ...STREAM, connection }, store, context, (item) => items.push(item)).catch((error: unknown) => error);
	await until('it starts', () => items.some(({ event }) => event === 'started'));
	for (let round = 0; round < times(20, 4); round++) {
		const before = proxy.cuts();
		proxy.cutAfter = randomInt(BEFORE_LOG, 2_500_000);
		await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 12000) n`);
		await until(`it is cut after ${proxy.cutAfter} bytes`, () => proxy.cuts() > before, 90);
	}
	proxy.cutAfter = undefined;
	const [row] = await server.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
	await until('it has caught up', async () => (await server.query<{ there: boolean }>(`SELECT restart_lsn >= '${row!.lsn}'::pg_lsn AS there FROM pg_replication_slots`))[0]!.there, 90);
	context.abort();
	await ended;

	// A catch-up says so instead, and the next one goes on.
	const other = await testContext();
	const catchUp = async () => await archiveWal({ ...ARCHIVE, switchSegment: true, connection }, store, other);
	await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 20000) n`);
	proxy.cutAfter = 1_000_000;
	expect(await failure(catchUp())).toMatchObject({ code: 'SERVER_UNREACHABLE' });
	proxy.cutAfter = undefined;
	await catchUp();
	let next: number | undefined;
	for (const [name, bytes] of await archived(store, other, await systemIdentifier(server))) {
		const [file, from] = name.split(/\.from-|-to-/);
		const [content] = await server.query<{ content: Buffer | null }>(`SELECT pg_read_binary_file('pg_wal/${file}', ${Number.parseInt(from ?? '0', 16)}, ${bytes.length}, true) AS content`);
		if (content!.content) expect([name, digest(bytes)]).toEqual([name, digest(content!.content)]);
		if (from !== undefined) continue;
		const number = Number.parseInt(name.slice(16), 16);
		expect(number).toBe(next ?? number);
		next = number + 1;
	}
	expect(next).toBeDefined();
	await context.remove();
	await other.remove();
}, 400_000);
