import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listBackups } from '../../../lib/catalog/list-backups';
import { listRecoveryPoints } from '../../../lib/catalog/list-recovery-points';
import { copyBackups, type CopySelection } from '../../../lib/copy/copy-backups';
import { crossCheck } from '../../../lib/recovery/cross-check/cross-check';
import { recordRecoveryPoint } from '../../../lib/recovery/record';
import { dumpDatabase } from '../../../lib/postgres/dump-database';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune } from '../../../lib/retention/prune';
import { FolderStore } from '../../../lib/storage/folder-store';
import type { Store } from '../../../lib/storage/store';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);
const DAY = 86_400_000;
const MISSING: CopySelection = { what: 'missing' };
let files: FilesFixture;
let first: Store;
let second: Store;
let context: TestContext;

const openFolder = async (path: string): Promise<Store> => {
	await mkdir(path, { recursive: true });
	return new FolderStore({ root: path, prefix: 'crm', randomBytes });
};

beforeEach(async () => {
	const base = (await FilesFixture.make()).base;
	first = await openFolder(join(base, 'first-disk'));
	second = await openFolder(join(base, 'second-disk'));
	files = Object.assign(await FilesFixture.make(first), { base });
	context = await testContext();
});
afterEach(async () => {
	await context.remove();
	await files.remove();
});

async function write(path: string, content: string): Promise<void> {
	await mkdir(join(files.path('uploads'), path, '..'), { recursive: true });
	await writeFile(join(files.path('uploads'), path), content);
}

const at = (time: number) => ({ now: () => new Date(time) });
const copy = async (selection: CopySelection = MISSING, recheck = false) => await copyBackups({ source: first, target: second, recheck, lockWaitSeconds: 0 }, selection, context);

test('uploads, full and incremental, survive the loss of the first disk: restored from the second they are the same, and only their owner may read the copies', async () => {
	await write('a.txt', 'one');
	await write('b/c.txt', 'two');
	await files.archive(files.path('uploads'));
	await write('b/c.txt', 'two, changed');
	await write('d.txt', 'three');
	await rm(join(files.path('uploads'), 'a.txt'));
	const incremental = await files.archive(files.path('uploads'), { mode: 'incremental' });
	expect(incremental.kind).toBe('incremental');
	const before = await readTree(files.path('uploads'));

	const outcome = await copy({ what: 'backup', component: 'files', backup: { by: 'latest' } });
	expect(outcome.copies.map(({ backup }) => backup.kind)).toEqual(['full', 'incremental']);
	const folder = join(files.path('second-disk'), 'crm/backups/files', incremental.id);
	for (const { name } of incremental.artifacts) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
	await rm(files.path('first-disk'), { recursive: true });

	await files.restore(files.path('restored'), { store: second });
	expect(treeDifferences(await readTree(files.path('restored')), before)).toEqual([]);
});

test('a copy killed in the middle leaves nothing to see; the next one goes on with what is there', async () => {
	await write('large.bin', randomBytes(3_000_000).toString('base64'));
	const manifest = await files.archive(files.path('uploads'));
	const stopping = { ...context, progress: ({ step }: { step: string }) => void (step.startsWith('Reading back') && context.abort()) };
	await expect(copyBackups({ source: first, target: second, recheck: false, lockWaitSeconds: 0 }, MISSING, stopping)).rejects.toMatchObject({ code: 'CANCELLED' });
	expect(await listBackups(second)).toEqual([]);
	expect(await readdir(join(files.path('second-disk'), 'crm/backups/files', manifest.id))).toHaveLength(1);
	await context.remove();
	context = await testContext();
	const { copies } = await copy();
	expect(copies).toMatchObject([{ outcome: 'copied' }]);
	expect(copies[0]?.reusedBytes).toBeGreaterThan(0);
	expect(await listBackups(second)).toMatchObject([{ id: manifest.id, status: 'success' }]);
});

test('a full second disk is an error that says so, and the first disk is as it was', async () => {
	await write('a.txt', 'one');
	await files.archive(files.path('uploads'));
	Object.defineProperty(second, 'freeBytes', { value: async () => 100 });
	await expect(copy()).rejects.toMatchObject({ code: 'STORE_FULL' });
	expect(await listBackups(second)).toEqual([]);
	expect(await listBackups(first)).toMatchObject([{ status: 'success', copies: [] }]);
});

test('the policy of the guide, one component at a time: chains stay whole, in both stores, and each component keeps its own days', async () => {
	const start = Date.parse('2026-06-01T02:00:00Z');
	await write('a.txt', 'one');
	for (let day = 0; day < 40; day += 4) {
		await write(`day-${day}.txt`, String(day));
		const mode = day % 12 === 0 ? ('full' as const) : ('incremental' as const);
		await files.archive(files.path('uploads'), { mode }, undefined, at(start + day * DAY));
		await files.archive(files.path('uploads'), { component: 'logs', label: 'logs' }, undefined, at(start + day * DAY));
	}
	await copy();
	const now = at(start + 37 * DAY);
	for (const store of [first, second]) {
		const whole = await listBackups(store);
		const policyOf = (keepDays: number) => retentionPolicySchema.parse({ keepDays, keepLastVerified: 2 });
		const logs = await prune(store, { ...context, ...now }, { component: 'logs', policy: policyOf(14), apply: true });
		expect(logs.deleted.length).toBeGreaterThan(2);
		expect((await listBackups(store, { component: 'files' })).length).toBe(whole.filter(({ component }) => component === 'files').length);
		const uploads = await prune(store, { ...context, ...now }, { component: 'files', policy: policyOf(9), apply: true });
		expect(uploads.deleted.length).toBeGreaterThan(2);

		const left = await listBackups(store, { component: 'files' });
		for (const backup of left) if (backup.parent !== null) expect(left.map(({ id }) => id)).toContain(backup.parent);
		const young = whole.filter(({ component, startedAt }) => component === 'files' && Date.parse(startedAt) > now.now().getTime() - 9 * DAY);
		expect(left.map(({ id }) => id)).toEqual(expect.arrayContaining(young.map(({ id }) => id)));
		const target = files.path(store === first ? 'from-first' : 'from-second');
		await files.restore(target, { store });
		expect(treeDifferences(await readTree(target), await readTree(files.path('uploads')))).toEqual([]);
	}
	expect((await copy({ what: 'missing', withinDays: 1 })).copies).toEqual([]);
});

describe('database and files of one run', () => {
	let server: PostgresServer;
	beforeAll(async () => {
		server = await startPostgres();
		await server.createDatabase('crm');
		await server.query('CREATE TABLE attachments (path text)', 'crm');
	});
	afterAll(async () => await server?.stop());

	test('form a recovery point, are copied together, and a cross check with the index finds what happened between the two', async () => {
		await write('kept.txt', 'x');
		await write('deleted later.txt', 'x');
		await files.archive(files.path('uploads'));
		await server.query(`INSERT INTO attachments VALUES ('/uploads/kept.txt'), ('/uploads/deleted later.txt')`, 'crm');
		const everything = { includeSchemas: [], excludeSchemas: [], includeTables: [], excludeTables: [] };
		const dump = { connection: server.connection, database: 'crm', format: 'custom' as const, parallelJobs: 1, fingerprint: false, compressionLevel: 1, lockWaitSeconds: 0 };
		const database = await dumpDatabase({ ...dump, ...everything }, first, context);
		await rm(join(files.path('uploads'), 'deleted later.txt'));
		await write('uploaded later.txt', 'x');
		const uploads = await files.archive(files.path('uploads'), { mode: 'incremental' });
		const since = new Date(Date.parse(database.startedAt) - 1).toISOString();
		const point = await recordRecoveryPoint(first, { name: 'Backup: Full', members: [], since, failures: [], expected: ['postgres', 'files'], failWhenIncomplete: true }, context);
		expect(point.members.map(({ backup }) => backup).sort()).toEqual([database.id, uploads.id].sort());
		expect(point.span?.explanation).toMatch(/^The database is as of .* UTC; the files are as they were read between .* may be in one and not in the other/);

		await copy({ what: 'recoveryPoint', recoveryPoint: { by: 'id', id: point.id } });
		expect(await listRecoveryPoints(second)).toMatchObject([{ id: point.id, complete: true }]);
		const result = await crossCheck(
			{
				connection: server.connection,
				database: 'crm',
				sql: 'SELECT path FROM attachments',
				statementTimeoutSeconds: 10,
				files: { by: 'backup', store: second, component: 'files', backup: { by: 'id', id: uploads.id } },
				stripPrefix: '/uploads/',
				urlDecode: false,
				inside: '',
				ignore: [],
				listLimit: 10,
				listsFolder: null,
				failWhenDifferent: false,
			},
			context,
		);
		expect(result).toMatchObject({ matched: 1, rowsWithoutFiles: { first: ['deleted later.txt'] }, filesWithoutRows: { first: ['uploaded later.txt'] } });
	});
});

test('the command line copies, and lists what is where', async () => {
	await write('a.txt', 'one');
	const manifest = await files.archive(files.path('uploads'));
	const commandLine = join(__dirname, '../../../dist/cli/backup-recovery.js');
	const run = async (...args: string[]) => (await promisify(execFile)(process.execPath, [commandLine, ...args], { env: { PATH: process.env.PATH } })).stdout;
	const stores = ['--store', files.path('first-disk'), '--prefix', 'crm', '--to', files.path('second-disk'), '--to-prefix', 'crm'];
	expect(await run('copy', ...stores)).toContain('1 of 1 backups were copied');
	expect(await run('copy', ...stores)).toContain('0 of 1 backups were copied');
	const since = new Date(Date.parse(manifest.startedAt) - 1).toISOString();
	expect(await run('record-point', '--store', files.path('first-disk'), '--prefix', 'crm', '--since', since, '--name', 'weekly')).toContain('Complete: 1 backups.');
	expect(await run('copy', ...stores, '--recovery-point', 'latest')).toContain('is in folder');
	expect(await run('recovery-points', '--store', files.path('second-disk'), '--prefix', 'crm')).toMatch(new RegExp(`weekly[^]*${manifest.id}`));
	await expect(run('copy', '--store', files.path('first-disk'), '--prefix', 'crm', '--to', files.path('first-disk'), '--to-prefix', 'crm')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('are the same store') });
});
