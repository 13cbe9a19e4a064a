import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crossCheck, type CrossCheckOptions } from '../../../lib/recovery/cross-check/cross-check';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);
let server: PostgresServer;
let folder: string;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres();
	await server.createDatabase('crm');
	await server.query(
		`CREATE TABLE attachments (id int PRIMARY KEY, path text);
		CREATE FUNCTION write_something() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO attachments VALUES (-1, 'x'); RETURN 'x'; END $$;
		CREATE FUNCTION make_writable() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT set_config('transaction_read_only', 'off', true) $$`,
		'crm',
	);
});
afterAll(async () => await server?.stop());
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'cross-check-'));
	context = await testContext();
	await server.query('TRUNCATE attachments', 'crm');
});
afterEach(async () => {
	await context.remove();
	await rm(folder, { recursive: true, force: true });
	await untilNoSession();
});

/** The server takes a moment to notice that a connection was cut. */
async function untilNoSession(): Promise<void> {
	const deadline = performance.now() + 10_000;
	while ((await server.sessions()).length > 0) {
		if (performance.now() > deadline) throw new Error(`sessions are left: ${(await server.sessions()).join()}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

const options = (changes: Partial<CrossCheckOptions> = {}): CrossCheckOptions => ({
	connection: server.connection,
	database: 'crm',
	sql: 'SELECT path FROM attachments;',
	statementTimeoutSeconds: 20,
	files: { by: 'folder', folder: join(folder, 'uploads') },
	stripPrefix: '',
	urlDecode: false,
	inside: '',
	ignore: [],
	listLimit: 100,
	listsFolder: null,
	failWhenDifferent: false,
	...changes,
});

async function files(...paths: string[]): Promise<void> {
	await mkdir(join(folder, 'uploads'), { recursive: true });
	for (const path of paths) {
		await mkdir(dirname(join(folder, 'uploads', path)), { recursive: true });
		await writeFile(join(folder, 'uploads', path), 'x');
	}
}

async function rows(...paths: (string | null)[]): Promise<void> {
	await server.query('INSERT INTO attachments SELECT n, p FROM unnest($1::text[]) WITH ORDINALITY AS t (p, n)', 'crm', [paths]);
}

test('rows and files that belong together, whatever they are called', async () => {
	const names = ['a.txt', 'b/c/d.pdf', 'with space/ü 😀.png', "quote's/\"double\".txt", 'line\nbreak.txt', 'separator\u2028.txt', 'b/c-d.pdf', '.hidden'];
	await files(...names);
	await symlink('/nowhere', join(folder, 'uploads', 'link'));
	await rows(...names, 'link', './a.txt', 'b//c/d.pdf', null, '');
	expect(await crossCheck(options(), context)).toMatchObject({
		equal: true,
		rows: 13,
		emptyRows: 2,
		fileCount: 9,
		matched: 9,
		files: `folder ${join(folder, 'uploads')}`,
		rowsWithoutFiles: { count: 0, first: [], list: null },
		filesWithoutRows: { count: 0, first: [], list: null },
		unusableRows: { count: 0, first: [], list: null },
		sentence: expect.stringMatching(/^13 rows were compared with 9 files .*: 9 files have a row, 0 paths in rows have no file, 0 files have no row\.$/),
	});
});

test('names rows without files, files without rows, and rows that lead out of the folder', async () => {
	await writeFile(join(folder, 'secret.txt'), 'x');
	await files('kept.txt', 'orphan/1.txt', 'orphan/2.txt');
	await rows('kept.txt', 'gone.txt', 'gone.txt', 'also/gone.txt', '../secret.txt', 'a/../../secret.txt', '/etc/passwd');
	const result = await crossCheck(options(), context);
	expect(result).toMatchObject({
		equal: false,
		matched: 1,
		rowsWithoutFiles: { count: 2, first: ['also/gone.txt', 'gone.txt'] },
		filesWithoutRows: { count: 2, first: ['orphan/1.txt', 'orphan/2.txt'] },
		unusableRows: { count: 3, first: expect.arrayContaining(['../secret.txt: it leads out of the folder', 'a/../../secret.txt: it leads out of the folder']) },
	});
	const error = await failure(crossCheck(options({ failWhenDifferent: true }), (context = await renewed())));
	expect(error).toMatchObject({ code: 'PROOF_MISMATCH', message: expect.stringContaining('Without a file: "also/gone.txt", "gone.txt".') });
	expect(error.message).toContain('Without a row: "orphan/1.txt", "orphan/2.txt".');
});

/** A work folder serves one job. */
async function renewed(): Promise<TestContext> {
	await context.remove();
	return await testContext();
}

test('strips prefixes, decodes URLs, looks inside one folder, and ignores what needs no row', async () => {
	await files('avatars/a b.png', 'avatars/thumbnails/a b.png', 'avatars/.gitkeep', 'other/x.txt');
	await rows('https://cdn.example.com/avatars/a%20b.png', 'https://elsewhere.example.com/y.png', 'https://cdn.example.com/avatars/%zz', 'https://cdn.example.com/avatars/%2e%2e/x');
	const result = await crossCheck(options({ stripPrefix: 'https://cdn.example.com/avatars', urlDecode: true, inside: '/avatars/', ignore: ['thumbnails/**', '.gitkeep'] }), context);
	expect(result).toMatchObject({ matched: 1, fileCount: 1, ignoredFiles: 2, rowsWithoutFiles: { count: 0 }, filesWithoutRows: { count: 0 } });
	expect(result.unusableRows.first).toEqual([
		'https://cdn.example.com/avatars/%2e%2e/x: it leads out of the folder',
		'https://cdn.example.com/avatars/%zz: it is not valid URL encoding',
		'https://elsewhere.example.com/y.png: it does not begin with "https://cdn.example.com/avatars"',
	]);
});

test('100,000 rows and files: counts all, names the first few, writes the whole lists, holds little in memory', async () => {
	await files(...Array.from({ length: 300 }, (_, index) => `many/${index}.txt`));
	await server.query(`INSERT INTO attachments SELECT n, 'many/' || (n - 1) || '.txt' FROM generate_series(1, 100000) n`, 'crm');
	const before = process.memoryUsage().heapUsed;
	const result = await crossCheck(options({ listLimit: 3, listsFolder: folder }), context);
	expect(process.memoryUsage().heapUsed - before).toBeLessThan(150e6);
	expect(result).toMatchObject({ rows: 100_000, matched: 300, rowsWithoutFiles: { count: 99_700, first: ['many/1000.txt', 'many/10000.txt', 'many/10001.txt'] } });
	const list = (await readFile(result.rowsWithoutFiles.list ?? '', 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as string);
	expect(new Set(list).size).toBe(99_700);
	expect(await readFile(result.filesWithoutRows.list ?? '', 'utf8')).toBe('');
	expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

describe('the query changes nothing', () => {
	test.each([
		['that writes', `SELECT write_something()`, 'SERVER_ERROR', 'read-only transaction'],
		['that tries to make the transaction writable', `SELECT make_writable() || write_something()`, 'SERVER_ERROR', /read-write mode|read-only/],
		['of two statements', `SELECT path FROM attachments; COMMIT; DELETE FROM attachments`, 'SERVER_ERROR', 'multiple commands'],
		['that is no SELECT', `DELETE FROM attachments RETURNING path`, 'SERVER_ERROR', 'syntax error'],
		['of two columns', `SELECT id, path FROM attachments`, 'INVALID_INPUT', '2 columns'],
		['on a table that there is not', `SELECT path FROM files`, 'TABLE_NOT_FOUND', 'files'],
		['that takes too long', `SELECT pg_sleep(10)::text`, 'SERVER_ERROR', 'timeout'],
	])('%s', async (_what, sql, code, message) => {
		await files('a.txt');
		await rows('a.txt');
		const error = await failure(crossCheck(options({ sql, statementTimeoutSeconds: 0.5, listsFolder: folder }), context));
		expect(error.message).toMatch(message);
		expect(error.code).toBe(code);
		expect(await server.query('SELECT count(*)::int AS count FROM attachments', 'crm')).toEqual([{ count: 1 }]);
		expect(await readdir(folder)).toEqual(['uploads']);
	});
});

test('a role from which a policy hides rows is told so, instead of calling their files superfluous', async () => {
	await files('a.txt');
	await rows('a.txt');
	await server.query(`CREATE ROLE reader LOGIN PASSWORD 'x'; GRANT SELECT ON attachments TO reader; ALTER TABLE attachments ENABLE ROW LEVEL SECURITY`, 'crm');
	const connection = { ...server.connection, user: 'reader', password: 'x' };
	expect(await failure(crossCheck(options({ connection }), context))).toMatchObject({ code: 'PERMISSION_DENIED', message: expect.stringContaining('row-level security') });
	await server.query('ALTER TABLE attachments DISABLE ROW LEVEL SECURITY', 'crm');
});

test.each([
	['a folder that there is not', () => ({ files: { by: 'folder' as const, folder: join(folder, 'nowhere') } }), 'There is no folder'],
	['a folder that is not absolute', () => ({ files: { by: 'folder' as const, folder: 'uploads' } }), 'not an absolute path'],
	['a folder for lists that there is not', () => ({ listsFolder: join(folder, 'lists') }), 'cannot be written to (ENOENT)'],
	['a folder for lists that is not absolute', () => ({ listsFolder: 'lists' }), 'not an absolute path'],
])('%s is named', async (_what, changes, message) => {
	await files('a.txt');
	expect(await failure(crossCheck(options(changes()), context))).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(message) });
});

test('cancelled while the server works: ends at once and leaves no session and no list behind', async () => {
	await files('a.txt');
	setTimeout(() => context.abort(), 300);
	const started = performance.now();
	expect(await failure(crossCheck(options({ sql: 'SELECT pg_sleep(20)::text', statementTimeoutSeconds: 60, listsFolder: folder }), context))).toMatchObject({ code: 'CANCELLED' });
	expect(performance.now() - started).toBeLessThan(15_000);
	expect(await readdir(folder)).toEqual(['uploads']);
});
