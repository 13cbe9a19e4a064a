import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BackupError } from '../../../lib/core/errors';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { FaultyStore } from '../../support/faulty-store';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { archived, digest, digestOnServer, STREAMED_SERVER, stockSegments, systemIdentifier } from '../../support/wal-archive';

const run = promisify(execFile);

let server: PostgresServer;
let context: TestContext;
let system: string;
let store: MemoryStore;

const DEFAULTS = { name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 };
const catchUp = async (options: Partial<typeof DEFAULTS> = {}) => await archiveWal({ ...DEFAULTS, connection: server.connection, ...options }, store, context);

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	system = await systemIdentifier(server);
	context = await testContext();
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await context?.remove();
});
beforeEach(async () => {
	store = new MemoryStore();
	await server.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
});

const write = async (rows: number) => await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, ${rows}) n`);

/** What the server has under that name, if it still has it. */
const ofServer = async (name: string) => await digestOnServer(server, name);

test('archives whole segments up to now, equal to those of the server and of pg_receivewal, and goes on where it ended', async () => {
	await server.query(`SELECT pg_create_physical_replication_slot('stock', true)`);
	const first = await catchUp();
	await write(100_000);
	const second = await catchUp();
	expect(second.segments).toBeGreaterThan(1);
	expect(second).toMatchObject({ pieces: 0, alreadyThere: 0, fromLsn: first.toLsn, timeline: 1, gaps: [], warnings: [], slot: { walStatus: 'reserved' } });
	expect(Date.parse(second.lastCommitAt!)).toBeGreaterThan(Date.parse(first.lastCommitAt!));

	const segments = await archived(store, context, system);
	const stock = await stockSegments(server, 'stock');
	expect(stock.size).toBe(segments.size);
	for (const [name, sum] of stock) expect([name, digest(segments.get(name)!)]).toEqual([name, sum]);
	expect(segments.size).toBe(first.segments + second.segments);
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-wal-'));
	try {
		for (const [name, bytes] of segments) {
			expect([name, digest(bytes)]).toEqual([name, await ofServer(name)]);
			await writeFile(join(folder, name), bytes);
		}
		const names = [...segments.keys()];
		const { stdout } = await run(join(server.serverFolder, 'pg_waldump'), ['--path', folder, names[0]!, names.at(-1)!], { maxBuffer: 1 << 30 });
		expect(stdout.match(/desc: COMMIT/g)!.length).toBeGreaterThan(2);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
	expect(context.events.some(({ unit, total }) => unit === 'bytes' && (total ?? 0) > 1e7)).toBe(true);
});

test('without the right to end a segment its beginning is archived, and the segment takes its place', async () => {
	const first = await catchUp({ switchSegment: false });
	expect(first).toMatchObject({ pieces: 1 });
	// The server was idle; there is a commit all the same, to stop at.
	expect(Date.parse(first.lastCommitAt!)).toBeGreaterThan(Date.parse(first.startedAt));
	await write(10);
	const second = await catchUp({ switchSegment: false });
	expect(second).toMatchObject({ segments: 0, pieces: 1 });
	const pieces = async () => [...(await archived(store, context, system))].filter(([name]) => name.includes('.from-'));
	// The second holds all of the first, which stays for whoever listed it a moment ago.
	const [shorter, longer] = (await pieces()).map(([, bytes]) => bytes).sort((one, other) => one.length - other.length);
	expect(await pieces()).toHaveLength(2);
	expect(shorter!.equals(longer!.subarray(0, shorter!.length))).toBe(true);
	const third = await catchUp();
	expect(third).toMatchObject({ segments: 1, pieces: 0 });
	const name = (await pieces())[0]![0].split('.')[0]!;
	const whole = (await archived(store, context, system)).get(name)!;
	expect(longer!.equals(whole.subarray(0, longer!.length))).toBe(true);
	// A run an hour later takes them away, also where one of their records was damaged.
	expect(await pieces()).toHaveLength(2);
	const damaged = store.keys('wal/').find((key) => /from-.*\.json$/.test(key))!;
	store.objects.set(damaged, { content: Buffer.from('damaged'), modifiedAt: new Date() });
	store.now = () => new Date(Date.now() + 3_700_000);
	await catchUp();
	expect(await pieces()).toEqual([]);
	expect(store.keys('wal/').filter((key) => key.includes('.from-'))).toEqual([]);
});

test('a damaged record of a piece is written anew, instead of ending archiving for good', async () => {
	await catchUp({ switchSegment: false });
	const [piece] = store.keys('wal/').filter((key) => /from-.*\.json$/.test(key));
	store.objects.set(piece!, { content: Buffer.from('damaged'), modifiedAt: new Date() });
	expect(await catchUp({ switchSegment: false })).toMatchObject({ pieces: 1 });
	expect(await catchUp()).toMatchObject({ segments: 1 });
});

test('a full temporary disk is said to be full, and the next run goes on', async () => {
	await catchUp();
	await write(20_000);
	const folder = join(context.workFolder, 'wal-1');
	await mkdir(folder, { recursive: true });
	const [row] = await server.query<{ name: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
	await symlink('/dev/full', join(folder, row!.name));
	expect(await failure(catchUp())).toMatchObject({ code: 'NO_SPACE', message: expect.stringContaining('temporary folder is full') });
	await rm(join(folder, row!.name), { force: true });
	expect((await catchUp()).segments).toBeGreaterThan(0);
});

test('the first run says what stays missing when the server no longer has what follows a base backup', async () => {
	await takeBaseBackup({ name: 'main', mode: 'full', mostIncrementals: 30, whenImpossible: 'fail', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0, connection: server.connection }, store, context);
	for (let n = 0; n < 3; n++) {
		await write(50_000);
		await server.query('SELECT pg_switch_wal()');
	}
	await server.query('CHECKPOINT');
	await server.query('CHECKPOINT');
	const first = await catchUp();
	expect(first.gaps).toHaveLength(1);
	expect(first.warnings[0]).toContain('missing and stays so');
}, 60_000);

test('a dropped slot leaves a gap that is an error; with a base backup after it, archiving goes on and says what stays missing', async () => {
	await catchUp();
	await server.query(`SELECT pg_drop_replication_slot('backup_recovery')`);
	for (let n = 0; n < 3; n++) {
		await write(50_000);
		await server.query('SELECT pg_switch_wal()');
	}
	await server.query('CHECKPOINT');
	await server.query('CHECKPOINT');
	// The slot is made anew at once, so that the base backup finds its log kept.
	expect(await failure(catchUp())).toMatchObject({ code: 'WAL_GAP', hint: expect.stringContaining('new base backup') });
	await takeBaseBackup({ name: 'main', mode: 'full', mostIncrementals: 30, whenImpossible: 'fail', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0, connection: server.connection }, store, context);
	const after = await catchUp();
	expect(after.gaps).toHaveLength(1);
	expect(after.warnings[0]).toContain('missing and stays so');
	expect((await catchUp()).gaps).toEqual([]);
}, 60_000);

test('other bytes under a name that is taken are another server: nothing is overwritten', async () => {
	await catchUp({ switchSegment: false });
	const [piece] = store.keys('wal/').filter((key) => /from-.*\.json$/.test(key));
	const record = JSON.parse(store.objects.get(piece!)!.content.toString()) as { artifact: { sourceSha256: string } };
	const changed = { ...record, artifact: { ...record.artifact, sourceSha256: '0'.repeat(64) } };
	store.objects.set(piece!, { content: Buffer.from(JSON.stringify(changed)), modifiedAt: new Date() });
	const before = store.keys('wal/');
	expect(await failure(catchUp())).toMatchObject({ code: 'WAL_CONFLICT' });
	expect(store.keys('wal/')).toEqual(before);
	expect(store.keys('locks/')).toEqual([]);
});

test('a store that fails at any call leaves nothing wrong, and the next run goes on', async () => {
	await write(20_000);
	const counting = new FaultyStore(store);
	await archiveWal({ ...DEFAULTS, connection: server.connection }, counting, context);
	await write(20_000);
	const puts = Array.from({ length: 6 }, (_, index) => 1 + Math.floor((index * counting.calls.length) / 6));
	const codes: string[] = [];
	for (const position of puts) {
		const faulty = new FaultyStore(store, { position, mode: 'midway', lasting: true });
		// The last points may lie behind the end of a run that has less to do.
		const code = await archiveWal({ ...DEFAULTS, connection: server.connection }, faulty, context).then(() => 'done', (error: unknown) => (error as BackupError).code);
		codes.push(code);
		await write(100);
		// Its lock file could not be removed either.
		for (const key of store.keys('locks/')) await store.remove(key);
	}
	expect(codes.filter((code) => code === 'STORE_UNAVAILABLE').length).toBeGreaterThan(3);
	expect(codes.every((code) => code === 'STORE_UNAVAILABLE' || code === 'done')).toBe(true);
	await catchUp();
	for (const [name, bytes] of await archived(store, context, system)) expect([name, digest(bytes)]).toEqual([name, await ofServer(name)]);
}, 120_000);
