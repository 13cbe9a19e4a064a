import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listBackups } from '../../../lib/catalog/list-backups';
import type { JobContext } from '../../../lib/core/context';
import { type BaseBackupOptions, takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { openStore } from '../../../lib/storage/open-store';
import type { Store } from '../../../lib/storage/store';
import { BackupError } from '../../../lib/core/errors';
import { times } from '../../support/breadth';
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy';
import { failure } from '../../support/failure';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

jest.setTimeout(60_000);

const DEFAULTS = { mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;
const SETTINGS = { wal_level: 'replica', max_wal_senders: '5' };

let server: PostgresServer;
let proxy: CuttingProxy;
let context: TestContext;
let root: string;

beforeAll(async () => {
	server = await startPostgres({ settings: SETTINGS, initdb: ['--data-checksums'] });
	proxy = await startCuttingProxy(server.port);
	await server.query(`CREATE TABLE deals AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 30000) g; CREATE INDEX deals_id ON deals (id); CHECKPOINT`);
}, 60_000);
afterAll(async () => {
	await proxy?.stop();
	await server?.stop();
});
beforeEach(async () => {
	proxy.cutAfter = undefined;
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
});
afterEach(async () => {
	await until('no session is left', async () => (await server.sessions()).length === 0);
	expect(await server.query('SELECT slot_name FROM pg_replication_slots')).toEqual([]);
	expect(await readdir(context.workFolder)).toEqual([]);
	await context.remove();
	await rm(root, { recursive: true, force: true });
});

const folder = (): Store => openStore({ type: 'folder', path: root, prefix: '' }, context);
const take = (options: Partial<BaseBackupOptions> = {}, store: Store = folder(), given: JobContext = context) => takeBaseBackup({ ...DEFAULTS, connection: server.connection, ...options }, store, given);
const throughProxy = () => ({ connection: { ...server.connection, port: proxy.port } });

/** Nothing of the failed run can be seen, and the backup from before is there. */
async function expectOnly(store: Store, ids: readonly string[]): Promise<void> {
	expect((await listBackups(store)).map(({ id }) => id).sort()).toEqual([...ids].sort());
	expect((await store.listFolders('backups/postgres/')).sort()).toEqual([...ids].sort());
}

test('the connection is cut at random points', async () => {
	const store = folder();
	const ids: string[] = [];
	for (const compressAt of ['server', 'here'] as const) {
		ids.push((await take({ ...throughProxy(), compressAt }, store)).id);
		const whole = proxy.most();
		if (compressAt === 'here') expect(whole).toBeGreaterThan(20_000_000);
		for (let round = 0; round < times(10, 3); round++) {
			proxy.cutAfter = Math.floor(Math.random() * (whole - 20_000)) + 500;
			const error = await failure(take({ ...throughProxy(), compressAt }, store));
			expect(error).toMatchObject({ code: 'SERVER_UNREACHABLE' });
			await expectOnly(store, ids);
		}
		proxy.cutAfter = undefined;
	}
	proxy.cutAfter = undefined;
	await take(throughProxy(), store);
});

test('a page with a wrong checksum fails the backup, and its table is named', async () => {
	const [row] = await server.query<{ path: string; folder: string }>(`SELECT pg_relation_filepath('deals') AS path, current_setting('data_directory') AS folder`);
	const file = await open(join(row!.folder, row!.path), 'r+');
	const byte = Buffer.alloc(1);
	const at = 3 * 8192 + 5000;
	await file.read(byte, 0, 1, at);
	try {
		await file.write(Buffer.from([byte.readUInt8(0) ^ 1]), 0, 1, at);
		const error = await failure(take());
		expect(error).toMatchObject({ code: 'DATA_CORRUPTED', message: expect.stringMatching(/deals in database "postgres" \(base\/\d+\/\d+\)/) });
		await expectOnly(folder(), []);
	} finally {
		await file.write(byte, 0, 1, at);
		await file.close();
	}
	await take();
});

test('the store is full in the middle', async () => {
	const store = new MemoryStore();
	const { id } = await take({}, store);
	const put = store.put.bind(store);
	store.put = async (key, source, options) => {
		if (!key.endsWith('base.tar.zst')) return await put(key, source, options);
		let bytes = 0;
		const filling = async function* () {
			for await (const chunk of source) {
				bytes += chunk.length;
				if (bytes > 1_000_000) throw new BackupError('STORE_FULL', 'The disk is full.', 'Make room.');
				yield chunk;
			}
		};
		return await put(key, filling(), options);
	};
	expect(await failure(take({}, store))).toMatchObject({ code: 'STORE_FULL' });
	await expectOnly(store, [id]);
});

test('a cancelled run ends at once, also while the server waits for a spread checkpoint', async () => {
	await server.query(`INSERT INTO deals SELECT g, md5(g::text) FROM generate_series(1, 30000) g`);
	const taking = failure(take({ checkpoint: 'spread' }));
	await until('the backup has begun', () => context.events.some(({ step }) => step.includes('spread')));
	await new Promise((resolve) => setTimeout(resolve, 300));
	const startedAt = performance.now();
	context.abort();
	expect(await taking).toMatchObject({ code: 'CANCELLED' });
	expect(performance.now() - startedAt).toBeLessThan(5_000);
	await expectOnly(folder(), []);
});

test('a cancelled run ends at once in the middle of the data, at a limited rate', async () => {
	const taking = failure(take({ maxRateKilobytes: 4096 }));
	await until('data has come', () => context.events.some(({ unit, done }) => unit === 'bytes' && (done ?? 0) > 1_000_000));
	context.abort();
	expect(await taking).toMatchObject({ code: 'CANCELLED' });
	await expectOnly(folder(), []);
});

test('the server is stopped in the middle', async () => {
	const other = await startPostgres({ settings: SETTINGS });
	const taking = failure(take({ connection: other.connection, maxRateKilobytes: 4096 }));
	await until('data has come', () => context.events.some(({ unit, done }) => unit === 'bytes' && (done ?? 0) > 1_000_000));
	await other.stop();
	expect(await taking).toMatchObject({ code: 'SERVER_UNREACHABLE' });
	await expectOnly(folder(), []);
});

test('no free slot is a warning, a role without the right an error', async () => {
	for (const at of Array.from({ length: 10 }).keys()) await server.query(`SELECT pg_create_physical_replication_slot('taken_${at}')`);
	try {
		expect((await take()).warnings[0]).toMatch(/max_replication_slots/);
	} finally {
		await server.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
	}
	await server.query(`CREATE ROLE reader LOGIN PASSWORD 'reader'`);
	expect(await failure(take({ connection: { ...server.connection, user: 'reader', password: 'reader' } }))).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('REPLICATION') });
	await server.query(`CREATE ROLE copier LOGIN REPLICATION PASSWORD 'copier'`);
	expect(await take({ connection: { ...server.connection, user: 'copier', password: 'copier' } })).toMatchObject({ kind: 'base' });
});
