import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeIdentifier } from 'pg';
import { extractChangedRows, type ExtractChangedRowsOptions } from '../../../lib/postgres/extract-changed-rows';
import { checkStructure } from '../../../lib/verify/check-structure';
import { openStore } from '../../../lib/storage/open-store';
import { failure } from '../../support/failure';
import { HOSTILE } from '../../support/hostile-database';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const run = promisify(execFile);
const hostile = { schema: HOSTILE.schema, name: HOSTILE.table };
const hostileTable = `${escapeIdentifier(HOSTILE.schema)}.${escapeIdentifier(HOSTILE.table)}`;
const column = escapeIdentifier(HOSTILE.column);
let server: PostgresServer;
let root: string;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres({ settings: { timezone: 'Asia/Tokyo' } });
	await server.createDatabase(HOSTILE.database);
	await server.query(
		`CREATE SCHEMA ${escapeIdentifier(HOSTILE.schema)};
		CREATE TABLE ${hostileTable} (id int, ${column} timestamptz, body text, twice int GENERATED ALWAYS AS (id * 2) STORED);
		INSERT INTO ${hostileTable} VALUES (1, '2026-01-01 00:00+00', 'at the start'), (2, '2026-01-01 05:59:59.999999+00', E'tab\\tnew\\nline \\\\. é🐢'),
			(3, '2026-01-01 06:00+00', 'at the end'), (4, NULL, 'never'), (5, '2025-12-31 23:59:59+00', 'before');
		CREATE TABLE local_times (id int, ${column} timestamp); INSERT INTO local_times VALUES (1, '2026-01-01 00:00'), (2, '2026-01-01 09:00');
		CREATE TABLE days (id int, ${column} date); INSERT INTO days VALUES (1, '2026-01-01'), (2, '2026-01-02');
		CREATE TABLE split (id int, ${column} timestamptz NOT NULL) PARTITION BY LIST (id);
		CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1); CREATE TABLE split_2 PARTITION OF split DEFAULT;
		INSERT INTO split VALUES (1, '2026-01-01 01:00+00'), (2, '2026-01-01 02:00+00'), (3, '2027-01-01');
		CREATE TABLE timeless (id int); CREATE TABLE wordy (id int, ${column} text);
		CREATE TABLE endless (${column} timestamptz, body text); INSERT INTO endless SELECT '2026-01-01 01:00+00', repeat(md5(g::text), 300) FROM generate_series(1, 5000) g`,
		HOSTILE.database,
	);
}, 60_000);

afterAll(() => server?.stop());

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	context = await testContext();
});

afterEach(async () => {
	expect(await server.sessions()).toEqual([]);
	await context.remove();
	await rm(root, { recursive: true, force: true });
});

function extract(overrides: Partial<ExtractChangedRowsOptions> = {}) {
	const options = {
		connection: server.connection,
		database: HOSTILE.database,
		tables: [hostile],
		column: HOSTILE.column,
		from: '2026-01-01T00:00:00Z',
		to: '2026-01-01T08:00:00+02:00',
		compressionLevel: 1,
		lockWaitSeconds: 0,
		...overrides,
	};
	return extractChangedRows(options, openStore({ type: 'folder', path: root, prefix: '' }, context), context);
}

const inPublic = (name: string) => ({ schema: 'public', name });
const folderOf = (id: string) => join(root, 'backups', 'postgres', id);
const listed = () => readdir(join(root, 'backups', 'postgres')).catch(() => []);

interface Extract {
	readonly tables: readonly { readonly name: string; readonly rows: number; readonly columns: string[] }[];
}

describe('an extract of changed rows', () => {
	it('holds the rows with from <= column < to, in every kind of time, and is labelled', async () => {
		const manifest = await extract({ tables: [hostile, ...['local_times', 'days', 'split'].map(inPublic)] });
		expect(manifest).toMatchObject({ kind: 'extract', source: { name: HOSTILE.database }, postgres: { format: 'copy' } });
		expect(manifest.warnings.join()).toContain('not a backup');
		const store = openStore({ type: 'folder', path: root, prefix: '' }, context);
		expect(await checkStructure({ store, manifest, clientFolder: '' }, context)).toMatch(/^The rows of 4 tables were counted: \d+, as recorded\.$/);
		const [first, ...others] = manifest.postgres!.extract!.tables;
		const wrong = { ...manifest, postgres: { ...manifest.postgres!, extract: { ...manifest.postgres!.extract!, tables: [{ ...first!, rows: first!.rows + 1 }, ...others] } } };
		await expect(checkStructure({ store, manifest: wrong, clientFolder: '' }, context)).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		const { tables } = manifest.postgres?.extract as unknown as Extract;
		expect(tables.map(({ name, rows }) => [name, rows])).toEqual([
			[HOSTILE.table, 2],
			['local_times', 1],
			['days', 1],
			['split', 2],
		]);
		expect(tables[0]?.columns).toEqual(['id', HOSTILE.column, 'body']);
	});

	it('loads by its RESTORE.txt', async () => {
		const { id } = await extract({ tables: [hostile, inPublic('split')] });
		const text = await readFile(join(folderOf(id), 'RESTORE.txt'), 'utf8');
		const commands = [...text.matchAll(/```sh\n(.*?)\n```/gs)].map((match) => match[1]).join('\n');
		const env = {
			PATH: process.env.PATH,
			PGHOST: server.host,
			PGPORT: String(server.port),
			PGUSER: server.user,
			PGPASSWORD: server.password,
			PGDATABASE: HOSTILE.database,
		};
		await run('bash', ['-eo', 'pipefail', '-c', commands], { cwd: folderOf(id), env });
		expect(await server.query('SELECT id, body FROM extract_1 ORDER BY id', HOSTILE.database)).toEqual([
			{ id: 1, body: 'at the start' },
			{ id: 2, body: 'tab\tnew\nline \\. é🐢' },
		]);
		expect(await server.query('SELECT count(*)::int FROM extract_2', HOSTILE.database)).toEqual([{ count: 2 }]);
		await server.query('DROP TABLE extract_1, extract_2', HOSTILE.database);
	});

	it('is refused for tables without that column or with one of another type, all of them named', async () => {
		const error = await failure(extract({ tables: [hostile, inPublic('timeless'), inPublic('wordy')] }));
		expect(error.code).toBe('COLUMN_NOT_FOUND');
		expect(error.message).toContain('public.timeless');
		expect(error.message).toContain('public.wordy (text)');
		expect(error.hint).toContain('Leave these tables out');
		expect(await listed()).toEqual([]);
	});

	it('is refused for an unknown table, with what may be meant', async () => {
		const error = await failure(extract({ tables: [inPublic('dayz')] }));
		expect(error.code).toBe('TABLE_NOT_FOUND');
		expect(error.hint).toContain('Did you mean public.days?');
		expect(await listed()).toEqual([]);
	});

	it('is refused for an empty window', async () => {
		const error = await failure(extract({ to: '2026-01-01T00:00:00Z' }));
		expect(error.code).toBe('INVALID_INPUT');
	});

	it('is refused where rows may not be read', async () => {
		await server.query(`CREATE ROLE reader LOGIN PASSWORD 'x'`);
		const error = await failure(
			extract({ connection: { ...server.connection, user: 'reader', password: 'x' }, tables: [inPublic('days')] }),
		);
		expect(error.code).toBe('PERMISSION_DENIED');
		expect(error.message).toContain('public.days');
		expect(await listed()).toEqual([]);
	});

	it('leaves nothing when it is cancelled half way', async () => {
		const cancelled = await testContext({
			progress: (event) => {
				if (event.unit === 'bytes') cancelled.abort();
			},
		});
		const error = await failure(
			extractChangedRows(
				{
					connection: server.connection,
					database: HOSTILE.database,
					tables: [inPublic('endless')],
					column: HOSTILE.column,
					from: '2026-01-01T00:00:00Z',
					to: '2027-01-01T00:00:00Z',
					compressionLevel: 1,
					lockWaitSeconds: 0,
				},
				openStore({ type: 'folder', path: root, prefix: '' }, cancelled),
				cancelled,
			),
		);
		await cancelled.remove();
		expect(error.code).toBe('CANCELLED');
		expect(await listed()).toEqual([]);
	});
});
