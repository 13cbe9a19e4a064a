import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import { listWal, removeWal } from '../../../lib/postgres/wal/wal-archive';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { verifyContinuity } from '../../../lib/verify/verify-continuity';
import { stockBaseBackup } from '../../support/archived-server';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { queryRecovered } from '../../support/recovered-server';
import { until } from '../../support/until';
import { STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

let server: PostgresServer;
let context: TestContext;
let streaming: TestContext;
let root: string;
let system: string;
let ended: Promise<unknown>;
const store = new MemoryStore();

beforeAll(async () => {
	[context, streaming] = [await testContext(), await testContext()];
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-busy-'));
	await chmod(root, 0o755);
	server = await startPostgres({ settings: STREAMED_SERVER });
	system = await systemIdentifier(server);
	await server.createDatabase('crm');
	await server.query('CREATE TABLE log (n bigserial PRIMARY KEY, body text)', 'crm');
	await stockBaseBackup(server, store, context);
	ended = streamWal({ name: 'main', slotName: 'busy', compressionLevel: 1, lockWaitSeconds: 0, pieceSeconds: 0.1, itemPerSegment: false, itemSeconds: 60, heartbeatSeconds: 0.2, connection: server.connection }, store, streaming, () => undefined).catch((error: unknown) => error);
}, 60_000);

afterAll(async () => {
	streaming?.abort();
	await ended;
	await server?.stop();
	await rm(root, { recursive: true, force: true });
	await Promise.all([context?.remove(), streaming?.remove()]);
});

const names = async () => {
	const found: string[] = [];
	for await (const { name } of listWal(store, system)) found.push(name);
	return found;
};
const pieces = async () => (await names()).filter((name) => name.includes('.from-'));

/** Writes until the segment of every piece that there is now is archived as a whole; then the pieces go, by pruning if not by the archiver. */
async function outgrow(): Promise<void> {
	const before = await pieces();
	await until('the segments are whole', async () => {
		await server.query("INSERT INTO log (body) SELECT repeat(md5(n::text), 20) FROM generate_series(1, 5000) n", 'crm');
		const there = await names();
		return before.every((name) => there.includes(name.split('.')[0]!));
	});
	for (const name of before) await removeWal(store, { name, timeline: 1, systemIdentifier: system }, context.signal);
}

/** A store whose first read of what `key` fits comes when the pieces that were listed are gone. */
function slow(fits: (key: string) => boolean): MemoryStore {
	let first = true;
	return Object.assign(Object.create(store) as MemoryStore, {
		get: async (key: string, options: Parameters<MemoryStore['get']>[1]) => {
			if (first && fits(key)) {
				first = false;
				await outgrow();
			}
			return await store.get(key, options);
		},
	});
}

async function writeAndWait(): Promise<number> {
	const [row] = await server.query<{ n: string }>("INSERT INTO log (body) VALUES ('known') RETURNING n", 'crm');
	const [at] = await server.query<{ offset: string }>("SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS offset");
	await until('it is in a piece', async () =>
		(await pieces()).some((name) => {
			const start = BigInt(`0x${name.slice(16, 24)}`) * 0x100_0000n;
			return start + BigInt(`0x${name.split('-to-')[1]!}`) >= BigInt(at!.offset);
		}),
	);
	return Number(row!.n);
}

test('recovery to the newest state while the pieces that it chose become whole segments', async () => {
	const known = await writeAndWait();
	const folder = join(root, 'r');
	const result = await recover({ store: slow((key) => key.endsWith('base.tar.zst')), base: { by: 'newest' }, target: { by: 'latest' }, inclusive: true, timeline: null, folder, destination: { mode: 'startHere', serverFolder: '/usr/lib/postgresql/15/bin' }, user: '', checkPages: false, dryRun: false }, context);
	expect(await queryRecovered(result, `SELECT count(*)::int AS there FROM log WHERE n = ${known} AND body = 'known'`, 'crm')).toEqual([{ there: 1 }]);
	await stopRecovered({ folder, remove: true }, context);
}, 120_000);

test.each(['records', 'bytes'] as const)('a look at its continuity (%s) meanwhile finds no gap', async (level) => {
	await writeAndWait();
	// Whole segments come first, so that pieces vanish after their records were read.
	const during = slow((key) => (level === 'records' ? key.includes('.from-') && key.endsWith('.json') : key.endsWith('.zst')));
	expect(await verifyContinuity({ store: during, base: { by: 'latest' }, timeline: null, level, windowHours: 0, maxAgeMinutes: 60 }, context)).toMatchObject({ level, window: { ends: 'nothing later is archived' } });
}, 120_000);
