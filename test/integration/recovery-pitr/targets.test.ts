import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealManifest } from '../../../lib/catalog/manifest-digest';
import { listBackups } from '../../../lib/catalog/list-backups';
import { manifestKey } from '../../../lib/catalog/layout';
import type { Manifest } from '../../../lib/catalog/manifest';
import type { RecoverOptions, RecoverResult } from '../../../lib/postgres/recovery/options';
import { recover } from '../../../lib/postgres/recovery/recover';
import { replaceFromRecovered } from '../../../lib/postgres/recovery/replace-from-recovered';
import { fenceDatabase } from '../../../lib/postgres/restore/fence';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import type { RecoveryTarget } from '../../../lib/postgres/recovery/target';
import { recoveryDrill } from '../../../lib/verify/recovery-drill';
import { ARCHIVED_SERVER, archiveWal, SMALL_SEGMENTS, serverClock, stockBaseBackup } from '../../support/archived-server';
import { putText } from '../../support/backup-fixtures';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { runningProcesses } from '../../support/processes';
import { queryRecovered } from '../../support/recovered-server';

const SERVER_FOLDER = '/usr/lib/postgresql/15/bin';

let server: PostgresServer;
let context: TestContext;
let root: string;
let base: Manifest;
let segments: string[];
const store = new MemoryStore();
/** What was committed when, by the writer's own log. */
const log: { n: number; xid: string; lsn: string; after: string }[] = [];
let beforeBase: string;

async function write(n: number): Promise<void> {
	const [row] = await server.query<{ xid: string }>(`INSERT INTO log VALUES (${n}) RETURNING pg_current_xact_id()::text AS xid`, 'crm');
	const [at] = await server.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
	log.push({ n, xid: row!.xid, lsn: at!.lsn, after: await serverClock(server) });
	await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-pitr-'));
	// As root the server runs as another user, who must pass through.
	await chmod(root, 0o755);
	server = await startPostgres({ settings: ARCHIVED_SERVER, initdb: SMALL_SEGMENTS });
	await server.createDatabase('crm');
	await server.query('CREATE TABLE log (n int PRIMARY KEY)', 'crm');
	for (let n = 1; n <= 3; n++) await write(n);
	beforeBase = await serverClock(server);
	base = await stockBaseBackup(server, store, context);
	for (let n = 4; n <= 6; n++) await write(n);
	await server.query('SELECT pg_switch_wal()');
	for (let n = 7; n <= 8; n++) await write(n);
	await server.query("SELECT pg_create_restore_point('before the ''migration')");
	await server.query('SELECT pg_switch_wal()');
	for (let n = 9; n <= 10; n++) await write(n);
	// What was committed in the last moment before the archive was sent is not promised.
	await new Promise((resolve) => setTimeout(resolve, 300));
	segments = await archiveWal(server, store, context);
}, 120_000);

afterAll(async () => {
	await server.stop();
	await rm(root, { recursive: true, force: true });
	await context.remove();
});

let count = 0;
const request = (target: RecoveryTarget, changes: Partial<RecoverOptions> = {}): RecoverOptions => ({
	store,
	base: { by: 'newest' },
	target,
	inclusive: true,
	timeline: null,
	folder: join(root, `r${count++}`),
	destination: { mode: 'startHere', serverFolder: SERVER_FOLDER },
	user: '',
	checkPages: false,
	dryRun: false,
	...changes,
});

const rowsOf = async (result: RecoverResult) => (await queryRecovered<{ n: number }>(result, 'SELECT n FROM log ORDER BY n', 'crm')).map(({ n }) => n);
const upTo = (n: number) => Array.from({ length: n }, (_, at) => at + 1);
const serversBelow = (folder: string) => runningProcesses().filter(({ command }) => command.some((part) => part.includes(folder)));

/** Recovers, looks what is there, and removes it. */
async function recovered(target: RecoveryTarget, changes: Partial<RecoverOptions> = {}): Promise<{ rows: number[]; result: RecoverResult }> {
	const result = await recover(request(target, changes), context);
	const rows = await rowsOf(result);
	expect(await stopRecovered({ folder: result.folder, remove: true }, context)).toMatchObject({ stopped: true, removed: true });
	expect(serversBelow(result.folder)).toEqual([]);
	await expect(readdir(result.folder)).rejects.toThrow('ENOENT');
	return { rows, result };
}

/** The same objects, some changed or left out. */
function changed(change: (key: string, content: Buffer) => Buffer | undefined): MemoryStore {
	const copy = new MemoryStore();
	for (const [key, { content, modifiedAt }] of store.objects) {
		const other = change(key, Buffer.from(content));
		if (other) copy.objects.set(key, { content: other, modifiedAt });
	}
	return copy;
}

async function expectNothingLeft(asked: RecoverOptions): Promise<void> {
	expect(serversBelow(asked.folder)).toEqual([]);
	expect(await readdir(asked.folder).catch(() => [])).toEqual([]);
}

describe('targets', () => {
	test('the newest state, all of its pages read', async () => {
		const { rows, result } = await recovered({ by: 'latest' }, { checkPages: true });
		expect(rows).toEqual(upTo(10));
		expect(result.reached).toMatchObject({ timeline: 2 });
		expect(result.databases).toEqual(['crm', 'postgres']);
		expect(result.steps.at(-1)?.detail).toMatch(/[1-9]\d* tables and [1-9]\d* indexes are sound/);
	});

	test('a time between two commits, whatever clock this machine has', async () => {
		const skewed = { ...context, now: () => new Date('2001-01-01T00:00:00Z') };
		const result = await recover(request({ by: 'time', time: log[4]!.after }), skewed);
		expect(await rowsOf(result)).toEqual(upTo(5));
		expect(result.reached?.stopped).toContain('before commit of transaction');
		await stopRecovered({ folder: result.folder, remove: true }, context);
	});

	test('a time at which nothing was committed any more', async () => {
		expect((await recovered({ by: 'time', time: log.at(-1)!.after })).rows).toEqual(upTo(10));
	});

	test('an LSN, a name, and a transaction with and without itself', async () => {
		expect((await recovered({ by: 'lsn', lsn: log[5]!.lsn })).rows).toEqual(upTo(6));
		expect((await recovered({ by: 'name', name: "before the 'migration" })).rows).toEqual(upTo(8));
		expect((await recovered({ by: 'xid', xid: log[6]!.xid }, { inclusive: false })).rows).toEqual(upTo(6));
		expect((await recovered({ by: 'xid', xid: log[6]!.xid })).rows).toEqual(upTo(7));
	});

	test('before and after the window, the windows are named', async () => {
		await expect(recover(request({ by: 'name', name: 'nobody made it' }), context)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining("before the 'migration") });
		for (const target of [{ by: 'time', time: beforeBase }, { by: 'time', time: '2099-01-01T00:00:00Z' }, { by: 'lsn', lsn: '0/1' }, { by: 'lsn', lsn: 'FF/0' }] as const) {
			const asked = request(target);
			await expect(recover(asked, context)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining(base.id) });
			await expectNothingLeft(asked);
		}
	});
});

describe('faults', () => {
	const recordOf = (name: string) => (key: string) => key.endsWith(`${name}.json`);

	test('a missing segment ends the window before it', async () => {
		// Rows 7 and 8 are in it.
		const [row] = await server.query<{ name: string }>(`SELECT pg_walfile_name('${log[6]!.lsn}') AS name`);
		const gapped = changed((key, content) => (recordOf(row!.name)(key) ? undefined : content));
		await expect(recover(request({ by: 'time', time: log[8]!.after }, { store: gapped }), context)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining(row!.name) });
		const { rows, result } = await recovered({ by: 'latest' }, { store: gapped });
		expect(rows).toEqual(upTo(6));
		expect(result.warnings).toEqual([expect.stringContaining('not the newest state')]);
	});

	test('a damaged segment is never replayed; a swapped one is noticed', async () => {
		const last = segments.at(-1)!;
		const damaged = changed((key, content) => {
			if (key.endsWith(`${last}.zst`)) content.writeUInt8(content.readUInt8(100) ^ 1, 100);
			return content;
		});
		const asked = request({ by: 'latest' }, { store: damaged });
		await expect(recover(asked, context)).rejects.toMatchObject({ code: 'WAL_DAMAGED', message: expect.stringContaining(last) });
		await expectNothingLeft(asked);

		const swapped = changed((_key, content) => content);
		await archiveWal(server, swapped, context, { swapped: { [last]: segments.at(-2)! } });
		const wrong = request({ by: 'time', time: log[9]!.after }, { store: swapped });
		await expect(recover(wrong, context)).rejects.toMatchObject({ code: 'WAL_DAMAGED', message: expect.stringContaining('the page says that it is the one at') });
		await expectNothingLeft(wrong);

		// Inside the first record of the segment, of which only the server computes the checksum.
		const flipped = changed((_key, content) => content);
		await archiveWal(server, flipped, context, { flipped: { [last]: 40 + 30 } });
		const short = request({ by: 'time', time: log[9]!.after }, { store: flipped });
		await expect(recover(short, context)).rejects.toMatchObject({ code: 'TARGET_MISSED' });
		await expectNothingLeft(short);
	});

	test("another server's base backup under this one's name", async () => {
		const { digest: _, ...rest } = base;
		const wrong = sealManifest({ ...rest, basebackup: { ...base.basebackup!, systemIdentifier: '7000000000000000001' } });
		const mixed = changed((key, content) => (key === manifestKey('postgres', base.id) ? undefined : content));
		await putText(mixed, manifestKey('postgres', base.id), JSON.stringify(wrong));
		await expect(recover(request({ by: 'latest' }, { store: mixed }), context)).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('7000000000000000001') });
	});

	test('cancelled, it leaves neither a server nor a file', async () => {
		const own = await testContext();
		const asked = request({ by: 'latest' });
		const running = recover(asked, { ...own, progress: ({ step }) => step === 'Recovering' && setTimeout(() => own.abort(), 50) });
		await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
		await expectNothingLeft(asked);
		await own.remove();
	});

	test('a folder that holds something is refused, and a dry run makes none', async () => {
		const plan = await recover(request({ by: 'latest' }, { dryRun: true }), context);
		expect(plan).toMatchObject({ dryRun: true, server: null, checks: expect.arrayContaining([expect.objectContaining({ check: 'Space', state: 'passed' })]) });
		expect(plan.plan.length).toBeGreaterThan(3);
		await expect(readdir(plan.folder)).rejects.toThrow('ENOENT');
		await expect(recover(request({ by: 'latest' }, { folder: root }), context)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
	});
});

test('a drill whose server is killed says nothing against the base backup', async () => {
	const drill = recoveryDrill({ store, base: { by: 'newest' }, serverFolder: SERVER_FOLDER, container: null, folder: root, user: '', checkPages: false }, { ...context, progress: ({ step }) => {
		if (step !== 'Recovering') return;
		for (const { pid, command } of serversBelow(root)) if (command[0]?.endsWith('/postgres')) process.kill(pid, 'SIGKILL');
	} });
	await expect(drill).rejects.toMatchObject({ code: 'SERVER_ERROR', message: expect.stringContaining('SIGKILL') });
	expect(await listBackups(store, { kinds: ['base'] })).toMatchObject([{ status: 'success', verified: null }]);
	expect((await readdir(root)).filter((name) => name.includes('drill'))).toEqual([]);
});

test('a drill recovers, reads all pages, leaves nothing and is recorded', async () => {
	const checked = await recoveryDrill({ store, base: { by: 'newest' }, serverFolder: SERVER_FOLDER, container: null, folder: root, user: '', checkPages: true }, context);
	expect(checked).toMatchObject({ passed: true, level: 'restore', backup: { id: base.id } });
	expect((await readdir(root)).filter((name) => name.includes('drill'))).toEqual([]);
	expect((await listBackups(store, { kinds: ['base'] }))[0]?.verified).toMatchObject({ level: 'restore' });
});

test('a server that was promoted goes on on timeline 2, which is followed unless told otherwise; a database comes back from it', async () => {
	const promoted = await recover(request({ by: 'time', time: log[7]!.after }), context);
	const query: PostgresServer['query'] = async (sql, database, values) => await queryRecovered(promoted, sql, database, values);
	await query('INSERT INTO log VALUES (108)', 'crm');
	await archiveWal({ query }, store, context, { timeline: 2 });
	expect((await recovered({ by: 'latest' })).rows).toEqual([...upTo(8), 108]);
	expect((await recovered({ by: 'latest' }, { timeline: 1 })).rows).toEqual(upTo(10));

	await server.query('DROP TABLE log', 'crm');
	const replace = {
		store,
		connection: { ...server.connection, clientFolder: SERVER_FOLDER },
		database: 'crm',
		recovered: { ...server.connection, clientFolder: SERVER_FOLDER, host: promoted.server!.host, port: promoted.server!.port, user: promoted.server!.user },
		recoveredDatabase: 'crm',
		globals: null,
		parallelJobs: 1,
		compressionLevel: 1,
		confirmation: '',
		dryRun: false,
		allowN8nDatabase: false,
		lockWaitSeconds: 0,
	};
	await expect(replaceFromRecovered(replace, context)).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
	await expect(replaceFromRecovered({ ...replace, confirmation: 'crm', recovered: server.connection }, context)).rejects.toMatchObject({ message: expect.stringContaining('is the live one') });
	const done = await replaceFromRecovered({ ...replace, confirmation: 'crm' }, context);
	expect(await server.query('SELECT n FROM log ORDER BY n', 'crm')).toEqual([...upTo(8), 108].map((n) => ({ n })));
	expect(done.previousDatabase).toMatch(/^crm_before_/);
	expect(done.safetyBackup).toMatchObject({ source: 'crm', kind: 'safety' });
	// A state of the past is no newest backup of the live database, also when the swap had failed.
	expect(done.recoveredBackup).toMatchObject({ source: 'crm', kind: 'safety' });

	// Behind a fence nobody can dump the live database; the swap keeps it, and hands the fence on.
	const fence = { connection: replace.connection, database: 'crm', dryRun: false, confirmation: 'crm', allowN8nDatabase: false };
	expect(await fenceDatabase({ ...fence, action: 'fence' }, context)).toMatchObject({ changed: true });
	const plan = await replaceFromRecovered({ ...replace, confirmation: 'crm', dryRun: true }, context);
	expect(plan.plan.join('\n')).toContain('"crm" takes no connections, so that it cannot be dumped first');
	const behind = await replaceFromRecovered({ ...replace, confirmation: 'crm' }, context);
	expect(behind).toMatchObject({ safetyBackup: null, previousDatabase: expect.stringMatching(/^crm_before_/) as string });
	await expect(server.query('SELECT 1', 'crm')).rejects.toThrow(/not currently accepting connections/);
	expect(await fenceDatabase({ ...fence, action: 'lift' }, context)).toMatchObject({ changed: true });
	expect(await server.query('SELECT n FROM log ORDER BY n', 'crm')).toEqual([...upTo(8), 108].map((n) => ({ n })));
	await stopRecovered({ folder: promoted.folder, remove: true }, context);
});
