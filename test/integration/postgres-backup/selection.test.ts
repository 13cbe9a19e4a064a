import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dumpDatabase } from '../../../lib/postgres/dump-database';
import type { SelectionRequest } from '../../../lib/postgres/selection';
import { openStore } from '../../../lib/storage/open-store';
import { failure } from '../../support/failure';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const run = promisify(execFile);
let server: PostgresServer;

beforeAll(async () => {
	server = await startPostgres();
	await createHostileDatabase(server);
}, 60_000);

afterAll(() => server?.stop());

const hostile = { schema: HOSTILE.schema, name: HOSTILE.table };
const inPublic = (name: string) => ({ schema: 'public', name });

/** Dumps a selection; yields what the proof covers and the tables whose data the archive itself holds. */
async function dump(request: Partial<SelectionRequest>) {
	const root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	const context = await testContext();
	try {
		const manifest = await dumpDatabase(
			{
				connection: server.connection,
				database: HOSTILE.database,
				format: 'custom',
				parallelJobs: 1,
				includeSchemas: [],
				excludeSchemas: [],
				includeTables: [],
				excludeTables: [],
				fingerprint: false,
				compressionLevel: 1,
				lockWaitSeconds: 0,
				...request,
			},
			openStore({ type: 'folder', path: root, prefix: '' }, context),
			context,
		);
		const archive = join(root, 'backups', 'postgres', manifest.id, 'database.dump');
		await run('zstd', ['-dq', `${archive}.zst`, '-o', archive]);
		const { stdout } = await run(join(server.serverFolder, 'pg_restore'), ['--data-only', '-f', '-', archive], {
			maxBuffer: 1e9,
		});
		return {
			manifest,
			proved: manifest.postgres?.proof?.tables.length,
			dumped: stdout.match(/^COPY /gm)?.length ?? 0,
			names: manifest.postgres?.proof?.tables.map(({ name }) => name) ?? [],
			largeObjects: /lo_open/.test(stdout),
		};
	} finally {
		await context.remove();
		await rm(root, { recursive: true, force: true });
	}
}

it.each<[string, Partial<SelectionRequest>, string[]]>([
	[
		'a table with a hostile name, and not the one that a careless pattern matches too',
		{ includeTables: [hostile] },
		[HOSTILE.table],
	],
	['a schema with a hostile name', { includeSchemas: [HOSTILE.schema] }, ["orders 2025 'eu'", HOSTILE.table]],
	[
		'a partitioned table stands for its partitions, in other schemas too',
		{ includeTables: [inPublic('orders')] },
		['orders_2025_rest', 'orders_rest', "orders 2025 'eu'"],
	],
	['a partition alone', { includeTables: [inPublic('orders_rest')] }, ['orders_rest']],
])('%s', async (_, request, expected) => {
	const { manifest, proved, dumped, names, largeObjects } = await dump(request);
	expect(manifest.kind).toBe('partial');
	expect(manifest.postgres?.proof?.scope).toBe('selection');
	expect(names.sort()).toEqual(expected.sort());
	expect(dumped).toBe(proved);
	expect(largeObjects).toBe(false);
	expect(manifest.postgres?.proof?.largeObjects).toBeUndefined();
});

it.each<[string, Partial<SelectionRequest>, string[]]>([
	[
		'a partitioned table left out, with its partitions',
		{ excludeTables: [inPublic('orders')] },
		['orders_rest', 'orders_2025_rest', "orders 2025 'eu'"],
	],
	['a hostile table left out', { excludeTables: [hostile] }, [HOSTILE.table]],
	['a hostile schema left out', { excludeSchemas: [HOSTILE.schema] }, ["orders 2025 'eu'", HOSTILE.table]],
])('%s', async (_, request, absent) => {
	const full = await dump({});
	const { manifest, proved, dumped, names, largeObjects } = await dump(request);
	expect(full.manifest.kind).toBe('full');
	expect(full.dumped).toBe(full.proved);
	expect(manifest.kind).toBe('partial');
	expect(full.names.filter((name) => !names.includes(name)).sort()).toEqual(absent.sort());
	expect(dumped).toBe(proved);
	expect(largeObjects).toBe(true);
	expect(manifest.postgres?.proof?.largeObjects?.count).toBe(4);
});

it('warns of foreign keys that lead out of the selection', async () => {
	const { manifest } = await dump({ includeTables: [inPublic('lines')] });
	expect(manifest.warnings.join()).toContain('public.lines refers to public.orders, which is not in this backup');
});

it('tables of an extension whose rows are to be dumped are proved, others are not', async () => {
	await server.query(
		`CREATE SCHEMA ext; CREATE TABLE ext.config (id int, own boolean); CREATE TABLE ext.internals (id int)`,
		HOSTILE.database,
	);
	await server.query(
		`ALTER EXTENSION hstore ADD TABLE ext.config; ALTER EXTENSION hstore ADD TABLE ext.internals; INSERT INTO ext.config VALUES (1, true), (2, false); INSERT INTO ext.internals VALUES (1);
		UPDATE pg_extension SET extconfig = ARRAY['ext.config'::regclass::oid], extcondition = ARRAY['WHERE own'] WHERE extname = 'hstore'`,
		HOSTILE.database,
	);
	const { manifest, proved, dumped } = await dump({});
	expect(dumped).toBe(proved);
	expect(manifest.postgres?.proof?.tables.find(({ name }) => name === 'config')?.rows).toBe(1);
	expect(manifest.postgres?.proof?.tables.some(({ name }) => name === 'internals')).toBe(false);
});

it.each<[string, Partial<SelectionRequest>]>([
	['schemas and tables together', { includeSchemas: ['public'], includeTables: [hostile] }],
	['a table both ways', { includeTables: [hostile], excludeTables: [hostile] }],
	['a table of a schema that is left out', { includeTables: [hostile], excludeSchemas: [HOSTILE.schema] }],
	['a schema both ways', { includeSchemas: ['public'], excludeSchemas: ['public'] }],
])('refuses %s', async (_, request) => {
	const error = await failure(dump(request));
	expect(error.code).toBe('INVALID_INPUT');
	expect(error.hint).not.toBe('');
});
