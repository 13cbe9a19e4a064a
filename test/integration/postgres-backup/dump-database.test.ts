import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeIdentifier } from 'pg';
import type { Manifest } from '../../../lib/catalog/manifest';
import { withClient } from '../../../lib/postgres/connect';
import { dumpDatabase, type DumpDatabaseOptions } from '../../../lib/postgres/dump-database';
import { takeProof } from '../../../lib/postgres/proof';
import { openStore } from '../../../lib/storage/open-store';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const run = promisify(execFile);
const never = new AbortController().signal;
let server: PostgresServer;
let root: string;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres();
	await createHostileDatabase(server);
}, 60_000);

afterAll(() => server?.stop());

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	context = await testContext();
});

afterEach(async () => {
	expect(await server.sessions()).toEqual([]);
	expect(await readdir(context.workFolder)).toEqual([]);
	await context.remove();
	await rm(root, { recursive: true, force: true });
});

function options(overrides: Partial<DumpDatabaseOptions> = {}): DumpDatabaseOptions {
	return {
		connection: server.connection,
		database: HOSTILE.database,
		format: 'custom',
		parallelJobs: 1,
		includeSchemas: [],
		excludeSchemas: [],
		includeTables: [],
		excludeTables: [],
		fingerprint: true,
		compressionLevel: 1,
		lockWaitSeconds: 0,
		...overrides,
	};
}

function dump(overrides: Partial<DumpDatabaseOptions> = {}): Promise<Manifest> {
	return dumpDatabase(options(overrides), openStore({ type: 'folder', path: root, prefix: '' }, context), context);
}

const folderOf = (manifest: Manifest) => join(root, 'backups', 'postgres', manifest.id);

/** Runs the commands of RESTORE.txt as they stand there. */
async function followInstructions(manifest: Manifest): Promise<void> {
	const text = await readFile(join(folderOf(manifest), 'RESTORE.txt'), 'utf8');
	const commands = [...text.matchAll(/```sh\n(.*?)\n```/gs)].map((match) => match[1]);
	const env = {
		PATH: `${server.serverFolder}:${process.env.PATH}`,
		PGHOST: server.host,
		PGPORT: String(server.port),
		PGUSER: server.user,
		PGPASSWORD: server.password,
	};
	await run('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], { cwd: folderOf(manifest), env });
}

async function proofOf(database: string) {
	return await withClient(server.connection, { database, signal: never, applicationName: 'proof' }, (client) =>
		takeProof(client, { fingerprint: true, signal: never, progress: () => undefined }),
	);
}

async function schemaOf(database: string): Promise<string> {
	const env = { PGPASSWORD: server.password };
	const { stdout } = await run(
		join(server.serverFolder, 'pg_dump'),
		[
			'--schema-only',
			'-h',
			server.host,
			'-p',
			String(server.port),
			'-U',
			server.user,
			'-d',
			`dbname='${database.replace(/[\\']/g, '\\$&')}'`,
		],
		{ env, maxBuffer: 1e8 },
	);
	return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}

describe('a dump of a database in which everything is hostile', () => {
	it.each(['custom', 'directory'] as const)(
		'is restored by stock tools following its RESTORE.txt, with equal schema and contents (%s)',
		async (format) => {
			const manifest = await dump({ format, parallelJobs: format === 'directory' ? 2 : 1 });
			expect(manifest).toMatchObject({
				kind: 'full',
				source: { name: HOSTILE.database, serverMajor: expect.any(Number) },
				postgres: { format },
			});
			try {
				await followInstructions(manifest);
				const restored = await proofOf('restored');
				expect({ ...restored, takenAt: '' }).toEqual({ ...manifest.postgres?.proof, takenAt: '' });
				expect(await schemaOf('restored')).toBe(await schemaOf(HOSTILE.database));
			} finally {
				await server.query('DROP DATABASE IF EXISTS restored');
			}
		},
		60_000,
	);

	it('counts what is there', async () => {
		const { postgres } = await dump();
		const rows = Object.fromEntries(postgres?.proof?.tables.map((table) => [table.name, table.rows]) ?? []);
		expect(rows).toMatchObject({
			[HOSTILE.table]: 6,
			[HOSTILE.lookalikeTable]: 3,
			no_columns: 3,
			empty: 0,
			parent: 2,
			child: 1,
			secrets: 2,
		});
		expect(rows).not.toHaveProperty('orders');
		expect(['orders_rest', 'orders_2025_rest', "orders 2025 'eu'"].reduce((sum, name) => sum + (rows[name] ?? NaN), 0)).toBe(500);
		expect(rows).not.toHaveProperty('remote');
		expect(postgres?.proof?.largeObjects?.count).toBe(4);
		expect(postgres?.proof?.objects).toMatchObject({
			'event trigger': 1,
			policy: 1,
			extension: 3,
			'foreign table': 1,
			publication: 1,
			'materialized view': 1,
		});
	});
});

describe('settings of the database', () => {
	it('are those that a dump does not carry', async () => {
		const { postgres } = await dump();
		expect(postgres?.settings).toMatchObject({
			name: HOSTILE.database,
			owner: HOSTILE.role,
			encoding: 'UTF8',
			localeProvider: 'libc',
			collate: 'C.UTF-8',
			comment: `It's "live"\n$; 🐘`,
			configuration: [
				{ name: 'search_path', value: `${escapeIdentifier(HOSTILE.schema)}, public` },
				{ name: 'work_mem', value: '12MB' },
				{ name: 'my.setting', value: HOSTILE.column },
			],
			roleConfiguration: [{ role: HOSTILE.role, name: 'statement_timeout', value: '42s' }],
			roles: expect.arrayContaining([HOSTILE.role, 'hostile_reader', 'postgres']),
		});
		expect(postgres?.settings?.privileges).toContainEqual({
			grantee: 'hostile_reader',
			grantor: HOSTILE.role,
			privilege: 'CONNECT',
			grantable: false,
		});
		expect(postgres?.settings?.extensions.map(({ name }) => name)).toEqual(['citext', 'hstore', 'pg_trgm', 'plpgsql']);
	});
});
