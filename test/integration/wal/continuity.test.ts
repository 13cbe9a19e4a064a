import { timelineFolder } from '../../../lib/catalog/layout';
import type { Manifest } from '../../../lib/catalog/manifest';
import { copyWal } from '../../../lib/copy/copy-wal';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { readRecoveryWindows } from '../../../lib/postgres/wal/read-recovery-windows';
import { readWal, readWalRecord, writeWal } from '../../../lib/postgres/wal/wal-archive';
import { walFactsSchema, type WalRecord } from '../../../lib/catalog/wal-manifest';
import { verifyContinuity, type VerifyContinuityOptions } from '../../../lib/verify/verify-continuity';
import { chunks } from '../../support/bytes';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { STREAMED_SERVER } from '../../support/wal-archive';

let server: PostgresServer;
let context: TestContext;
let whole: MemoryStore;
let base: Manifest;
/** When the last row was written, by this machine's clock, which is the server's too. */
let lastWrite: number;

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	context = await testContext();
	whole = new MemoryStore();
	const { connection } = server;
	const catchUp = async () => await archiveWal({ connection, name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 }, whole, context);
	await server.query('CREATE TABLE entries (n int, body text)');
	await catchUp();
	base = await takeBaseBackup({ connection, mode: 'full', mostIncrementals: 0, whenImpossible: 'fail', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, whole, context);
	for (let round = 0; round < 4; round++) {
		await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 20000) n`);
		lastWrite = Date.now();
		await catchUp();
	}
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await context?.remove();
});

const verify = async (store: MemoryStore, options: Partial<VerifyContinuityOptions> = {}) =>
	await verifyContinuity({ store, base: { by: 'window' }, timeline: null, level: 'bytes', windowHours: 0, maxAgeMinutes: 60, ...options }, context);

/** A store with the same objects. */
function copyOf(store: MemoryStore): MemoryStore {
	const copy = new MemoryStore();
	for (const [key, object] of store.objects) copy.objects.set(key, object);
	return copy;
}

const details = () => base.basebackup!;
const segments = () => whole.keys('wal/').filter((key) => /[0-9A-F]{24}\.json$/.test(key)).map((key) => /([0-9A-F]{24})\.json$/.exec(key)![1]!);
const keyOf = (name: string) => `${timelineFolder(details().systemIdentifier, '00000001')}${name}`;

test('WAL that was archived leads from a base backup to now, and the window is said as two times', async () => {
	for (const level of ['records', 'bytes'] as const) {
		const result = await verify(whole, { level });
		expect(result).toMatchObject({ base: { id: base.id }, level, warnings: [], window: { from: details().endedAt, timeline: 1, ends: 'nothing later is archived' } });
		expect(Math.abs(Date.parse(result.window.lastCommitAt!) - lastWrite)).toBeLessThan(5000);
		expect(Date.parse(result.window.to!)).toBeGreaterThanOrEqual(Date.parse(result.window.lastCommitAt!));
		expect(result.detail).toContain(`from ${details().endedAt} to ${result.window.to}`);
	}
	const short = await verify(whole, { windowHours: 24, maxAgeMinutes: 0.000001 });
	expect(short.warnings).toEqual([expect.stringMatching(/newest point that can be recovered/), expect.stringMatching(/24 were asked for/)]);
});

test('the status tells the same window, from the oldest base backup that leads to now, and where it is broken', async () => {
	const { window } = await verify(whole, { level: 'records' });
	const expected = { source: 'main', host: server.host, port: server.port, systemIdentifier: details().systemIdentifier, databases: expect.arrayContaining(['postgres']), bases: 1, oldestBase: base.id, from: window.from, to: window.to, gap: null };
	expect(await readRecoveryWindows(whole, [base], context)).toEqual([expected]);
	const older = { ...base, id: base.id.replace(/.{6}$/, 'oldest'), basebackup: { ...details(), endedAt: new Date(Date.parse(details().endedAt) - 1000).toISOString() } };
	expect(await readRecoveryWindows(whole, [base, older], context)).toEqual([{ ...expected, bases: 2, oldestBase: older.id, from: older.basebackup.endedAt }]);
	const gap = copyOf(whole);
	gap.objects.delete(`${keyOf(segments().at(-2)!)}.json`);
	const [broken] = await readRecoveryWindows(gap, [base], context);
	expect(broken?.gap).toContain(segments().at(-2));
	expect(Date.parse(broken!.to!)).toBeLessThan(Date.parse(window.to!));
	expect(await readRecoveryWindows(whole, [], context)).toEqual([]);
});

test('a missing, damaged, swapped or foreign segment is found and named', async () => {
	const names = segments();
	const middle = names.at(-2)!;
	const gap = copyOf(whole);
	gap.objects.delete(`${keyOf(middle)}.json`);
	expect(await failure(verify(gap))).toMatchObject({ code: 'WAL_GAP', message: expect.stringContaining(middle) });

	const gone = copyOf(whole);
	gone.objects.delete(`${keyOf(middle)}.zst`);
	expect(await failure(verify(gone, { level: 'records' }))).toMatchObject({ code: 'WAL_GAP', message: expect.stringContaining(middle) });

	const flipped = copyOf(whole);
	const object = whole.objects.get(`${keyOf(middle)}.zst`)!;
	const content = Buffer.from(object.content);
	content[content.length >> 1]! ^= 1;
	flipped.objects.set(`${keyOf(middle)}.zst`, { ...object, content });
	expect(await failure(verify(flipped))).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining(middle) });

	// The bytes of another segment, archived with a record of their own: only the log itself tells.
	const swapped = copyOf(whole);
	const record = JSON.parse(whole.objects.get(`${keyOf(middle)}.json`)!.content.toString()) as WalRecord;
	const facts = walFactsSchema.parse(record);
	const wrong = (await readWalRecord(whole, { name: names.at(-3)!, timeline: 1, systemIdentifier: details().systemIdentifier }, context.signal))!;
	await writeWal(swapped, middle, readWal(whole, wrong, context), facts, { keys: context.keys, compressionLevel: 1, signal: context.signal });
	expect(await verify(swapped, { level: 'records' })).toMatchObject({ warnings: [] });
	expect(await failure(verify(swapped))).toMatchObject({ code: 'WAL_INVALID' });
	await writeWal(swapped, middle, chunks('not WAL at all'), facts, { keys: context.keys, compressionLevel: 1, signal: context.signal });
	expect(['WAL_INVALID', 'ARTIFACT_DAMAGED']).toContain((await failure(verify(swapped))).code);
});

test('a copy of the archive is as continuous as the original', async () => {
	const target = new MemoryStore();
	for (const [key, object] of whole.objects) if (key.startsWith('backups/')) target.objects.set(key, object);
	const copied = await copyWal({ source: whole, target, recheck: false, lockWaitSeconds: 0 }, context);
	expect(copied.copied).toBe(segments().length);
	expect((await verify(target)).window).toEqual((await verify(whole)).window);
});
