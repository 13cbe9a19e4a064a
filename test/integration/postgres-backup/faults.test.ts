import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobContext } from '../../../lib/core/context';
import { listBackups } from '../../../lib/catalog/list-backups';
import { dumpDatabase, type DumpDatabaseOptions } from '../../../lib/postgres/dump-database';
import { openStore } from '../../../lib/storage/open-store';
import { failure } from '../../support/failure';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const run = promisify(execFile);
let server: PostgresServer;
let root: string;
let tools: string;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres();
	await server.createDatabase('crm');
	await server.query(
		`CREATE TABLE deals (id int PRIMARY KEY, body text); CREATE TABLE contacts (id int); CREATE SEQUENCE numbers; CREATE SCHEMA hidden; CREATE TABLE hidden.notes (id int);
		INSERT INTO deals SELECT g, (SELECT string_agg(md5(g::text || i), '') FROM generate_series(1, 100) i) FROM generate_series(1, 3000) g;
		CREATE TABLE policed (id int); ALTER TABLE policed ENABLE ROW LEVEL SECURITY; INSERT INTO policed VALUES (1);
		SELECT lo_from_bytea(50001, 'x');
		CREATE ROLE reader LOGIN PASSWORD 'reader';
		GRANT SELECT ON contacts, policed TO reader`,
		'crm',
	);
}, 60_000);

afterAll(() => server?.stop());

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	tools = await mkdtemp(join(tmpdir(), 'backup-recovery-tools-'));
	context = await testContext();
});

afterEach(async () => {
	expect(await settledSessions()).toEqual([]);
	expect(await readdir(context.workFolder)).toEqual([]);
	await context.remove();
	await rm(root, { recursive: true, force: true });
	await rm(tools, { recursive: true, force: true });
});

/** A session whose client was killed lives on until the server writes to it: a moment is allowed. */
async function settledSessions(): Promise<string[]> {
	const deadline = performance.now() + 3000;
	for (;;) {
		const sessions = await server.sessions();
		if (sessions.length === 0 || performance.now() > deadline) return sessions;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

function dump(overrides: Partial<DumpDatabaseOptions> = {}, own: JobContext = context, path = root) {
	const options = {
		connection: server.connection,
		database: 'crm',
		format: 'custom' as const,
		parallelJobs: 1,
		includeSchemas: [],
		excludeSchemas: [],
		includeTables: [],
		excludeTables: [],
		fingerprint: false,
		compressionLevel: 1,
		lockWaitSeconds: 0,
		...overrides,
	};
	return dumpDatabase(options, openStore({ type: 'folder', path, prefix: '' }, own), own);
}

/** All files of the store with their contents, but for the record of the last run. */
async function filesOf(path = root): Promise<Record<string, string>> {
	const files: Record<string, string> = {};
	for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
		const name = join(entry.parentPath, entry.name);
		if (entry.isFile() && name.includes('/backups/')) files[name.slice(path.length)] = (await readFile(name)).toString('base64');
	}
	return files;
}

async function expectOnlyEarlierBackups(before: Record<string, string>, id: string, path = root): Promise<void> {
	expect(await filesOf(path)).toEqual(before);
	const store = openStore({ type: 'folder', path, prefix: '' }, context);
	expect((await listBackups(store, {})).map((backup) => [backup.id, backup.status])).toEqual([[id, 'success']]);
	const record = await run('sh', ['-c', `grep -rl '"outcome": *"failed"' "$0" || true`, path]);
	expect(record.stdout.trim()).not.toBe('');
}

/** A stand-in for a tool. */
async function script(name: string, body: string): Promise<void> {
	await writeFile(join(tools, name), `#!/bin/sh\n${body}\n`);
	await chmod(join(tools, name), 0o755);
}

const version = (number: string) => `if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) ${number}"; exit 0; fi`;
const withTools = () => ({ connection: { ...server.connection, clientFolder: tools } });

describe('a dump that cannot work leaves earlier backups as they were and nothing of its own', () => {
	let earlier: string;
	let before: Record<string, string>;

	beforeEach(async () => {
		earlier = (await dump()).id;
		before = await filesOf();
	});

	afterEach(() => expectOnlyEarlierBackups(before, earlier));

	it('wrong password', async () => {
		const error = await failure(dump({ connection: { ...server.connection, password: 'guessed' } }));
		expect(error.code).toBe('AUTHENTICATION_FAILED');
		expect(error.message).toContain('password authentication failed for user "postgres"');
		expect(error.hint).toBe('Check the user "postgres" and its password in the credential.');
	});

	it('unknown host', async () => {
		const error = await failure(dump({ connection: { ...server.connection, host: 'db.invalid' } }));
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(error.message).toContain('db.invalid');
		expect(error.hint).toMatch(/Check the host/);
	});

	it('unknown database', async () => {
		const error = await failure(dump({ database: 'CRM' }));
		expect(error.code).toBe('DATABASE_NOT_FOUND');
		expect(error.message).toContain('"CRM"');
		expect(error.hint).toContain('"crm"');
	});

	it('unknown table and schema, with names like them', async () => {
		const table = await failure(dump({ includeTables: [{ schema: 'public', name: 'Deal' }] }));
		expect(table.code).toBe('TABLE_NOT_FOUND');
		expect(table.message).toContain('public.Deal');
		expect(table.hint).toContain('Did you mean public.deals?');
		const schema = await failure(dump({ excludeSchemas: ['hiden'] }));
		expect(schema.code).toBe('TABLE_NOT_FOUND');
		expect(schema.hint).toContain('Did you mean hidden?');
	});

	it('missing rights, each object named', async () => {
		const error = await failure(dump({ connection: { ...server.connection, user: 'reader', password: 'reader' } }));
		expect(error.code).toBe('PERMISSION_DENIED');
		for (const missing of [
			'USAGE on schema "hidden"',
			'SELECT on table public.deals',
			'SELECT on sequence public.numbers',
			'BYPASSRLS on table public.policed',
			'SELECT on large object 50001',
		]) {
			expect(error.message).toContain(missing);
		}
		expect(error.message).not.toContain('contacts');
		expect(error.hint).toContain('GRANT pg_read_all_data TO "reader"');
		expect(error.hint).toContain('BYPASSRLS');
	});

	it('a missing right on a single table', async () => {
		await server.query(
			`CREATE ROLE almost LOGIN PASSWORD 'x' BYPASSRLS; GRANT pg_read_all_data TO almost; GRANT SELECT ON LARGE OBJECT 50001 TO almost`,
			'crm',
		);
		await server.query(
			`CREATE ROLE owner_only; CREATE TABLE diary (id int); ALTER TABLE diary OWNER TO owner_only; CREATE ROLE partial LOGIN PASSWORD 'x' BYPASSRLS;
			GRANT SELECT ON ALL TABLES IN SCHEMA public, hidden TO partial; GRANT USAGE ON SCHEMA hidden TO partial; GRANT SELECT ON SEQUENCE numbers TO partial; GRANT SELECT ON LARGE OBJECT 50001 TO partial;
			REVOKE SELECT ON diary FROM partial`,
			'crm',
		);
		try {
			const error = await failure(dump({ connection: { ...server.connection, user: 'partial', password: 'x' } }));
			expect(error.message).toBe('The role "partial" may not read all of database "crm". Missing: SELECT on table public.diary.');
			const other = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
			expect((await dump({ connection: { ...server.connection, user: 'almost', password: 'x' } }, context, other)).kind).toBe(
				'full',
			);
			await rm(other, { recursive: true });
		} finally {
			await server.query('DROP TABLE diary', 'crm');
		}
	});

	it('a server newer than every client', async () => {
		await script('pg_dump', version('12.5'));
		const error = await failure(dump(withTools()));
		expect(error.code).toBe('CLIENT_TOO_OLD');
		expect(error.message).toContain('12.5');
		expect(error.hint).toMatch(/apt-get install postgresql-client-\d+/);
		expect(error.hint).toMatch(/apk add postgresql\d+-client/);
	});

	it('no client', async () => {
		const error = await failure(dump(withTools()));
		expect(error.code).toBe('CLIENT_MISSING');
		expect(error.message).toContain(tools);
	});

	it('pg_dump that fails after writing most of the dump', async () => {
		await script(
			'pg_dump',
			`${version('99.0')}\nhead -c 3000000 /dev/zero\necho 'pg_dump: error: query failed: out of luck' >&2\nexit 1`,
		);
		const error = await failure(dump(withTools()));
		expect(error.code).toBe('TOOL_FAILED');
		expect(error.message).toBe('pg_dump failed with exit code 1: pg_dump: error: query failed: out of luck');
		expect(error.hint).toContain('run the job again');
	});

	it('pg_dump that reports an error and exits with 0 nevertheless', async () => {
		await script('pg_dump', `${version('99.0')}\nprintf PGDMP\necho 'pg_dump: error: something is missing' >&2\nexit 0`);
		const error = await failure(dump(withTools()));
		expect(error.code).toBe('TOOL_FAILED');
		expect(error.message).toContain('something is missing');
	});

	it('pg_dump that fails at once while counting would take a minute: nobody waits', async () => {
		await server.createDatabase('slow');
		await server.query(
			`CREATE EXTENSION hstore; CREATE TABLE slow (id int); INSERT INTO slow VALUES (1); ALTER EXTENSION hstore ADD TABLE slow;
			UPDATE pg_extension SET extconfig = ARRAY['slow'::regclass::oid], extcondition = ARRAY['WHERE pg_sleep(60) IS NULL'] WHERE extname = 'hstore'`,
			'slow',
		);
		await script('pg_dump', `${version('99.0')}\nsleep 0.3\nexit 3`);
		const start = performance.now();
		const error = await failure(dump({ ...withTools(), database: 'slow' }));
		expect(error.message).toBe('pg_dump failed with exit code 3.');
		expect(performance.now() - start).toBeLessThan(20_000);
	}, 30_000);

	it.each(['custom', 'directory'] as const)('pg_dump killed half way (%s)', async (format) => {
		const real = join(server.serverFolder, 'pg_dump');
		// Kills itself while the real one, whose output it passes on, is at work.
		await script(
			'pg_dump',
			`${version('99.0')}\n${format === 'custom' ? `"${real}" "$@" | head -c 2000000` : `"${real}" "$@" & child=$!; sleep 0.05; kill -9 $child; wait $child 2>/dev/null`}\nkill -9 $$`,
		);
		const error = await failure(dump({ ...withTools(), format }));
		expect(error.code).toBe('TOOL_FAILED');
		expect(error.message).toBe('pg_dump was ended by SIGKILL.');
		expect(error.hint).toContain('memory');
	});

	it.each(['custom', 'directory'] as const)('cancelled half way (%s)', async (format) => {
		const own = await testContext({
			progress: (event) => {
				if (event.step.startsWith('Dumping')) setTimeout(() => own.abort(), 10);
			},
		});
		const error = await failure(dump({ format, fingerprint: true }, own));
		expect(error.code).toBe('CANCELLED');
		expect(await readdir(own.workFolder)).toEqual([]);
		await own.remove();
	});

	it('cancelled while it waits for a lock that somebody holds', async () => {
		const { default: pg } = await import('pg');
		const blocker = new pg.Client({
			host: server.host,
			port: server.port,
			user: server.user,
			password: server.password,
			database: 'crm',
			application_name: 'test',
		});
		await blocker.connect();
		await blocker.query('BEGIN; LOCK TABLE deals IN ACCESS EXCLUSIVE MODE');
		setTimeout(() => context.abort(), 500);
		const error = await failure(dump());
		await blocker.end();
		expect(error.code).toBe('CANCELLED');
	});

	it('the server ends the sessions half way', async () => {
		const own = await testContext({
			progress: (event) => {
				if (event.unit === 'bytes' && event.step.startsWith('Dumping')) void kill();
			},
		});
		let killed: Promise<unknown> | undefined;
		const kill = () =>
			(killed ??= server.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'backup-recovery%'`,
			));
		const error = await failure(dump({ fingerprint: true }, own));
		await killed;
		await own.remove();
		expect(['TOOL_FAILED', 'SERVER_UNREACHABLE']).toContain(error.code);
		expect(error.hint).not.toBe('');
	});

	it('more jobs than the format can use', async () => {
		const error = await failure(dump({ parallelJobs: 2 }));
		expect(error.code).toBe('INVALID_INPUT');
		expect(error.hint).toContain('directory');
		// Refused before a run begins: record one that failed, as the check after each of these tests expects.
		await failure(dump({ database: 'nowhere' }));
	});
});

const asRoot = process.getuid?.() === 0 ? it : it.skip;

asRoot('a store that is full half way: the earlier backup stays, nothing half-made is listed', async () => {
	const small = join(root, 'small');
	await mkdir(small);
	await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small]);
	try {
		const { id } = await dump({ includeTables: [{ schema: 'public', name: 'contacts' }] }, context, small);
		const before = await filesOf(small);
		const error = await failure(dump({}, context, small));
		expect(error.code).toBe('STORE_FULL');
		expect(error.hint).not.toBe('');
		await expectOnlyEarlierBackups(before, id, small);
	} finally {
		await run('umount', [small]);
	}
});

asRoot('a temporary folder too small for the directory format', async () => {
	const small = join(root, 'small');
	await mkdir(small);
	await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
	try {
		const own = await testContext({ workFolder: small });
		const error = await failure(dump({ format: 'directory' }, own));
		expect(error.code).toBe('NO_SPACE');
		expect(error.hint).toContain('custom format');
		await own.remove();
	} finally {
		await run('umount', [small]);
	}
});

it('two runs at once: the second says who holds the lock', async () => {
	let second: Promise<unknown> | undefined;
	const own = await testContext({
		progress: (event) => {
			if (event.step.startsWith('Dumping')) second ??= failure(dump());
		},
	});
	await dump({}, own);
	await own.remove();
	expect(await second).toMatchObject({ code: 'LOCK_HELD' });
});

it('the password is in no argument, variable, manifest or file of the store', async () => {
	const real = join(server.serverFolder, 'pg_dump');
	await script('pg_dump', `echo "$@" >> ${tools}/seen\nenv >> ${tools}/seen\nexec "${real}" "$@"`);
	await dump(withTools());
	expect(await readFile(join(tools, 'seen'), 'utf8')).toContain('--snapshot=');
	for (const folder of [root, tools]) {
		for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
			if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes(server.password)).toBe(false);
		}
	}
});

it.each(['prefer', 'require', 'verify-ca', 'verify-full'] as const)(
	'pg_dump uses TLS as the connection does: %s',
	async (mode) => {
		const encrypted = await startPostgres({ tlsOnly: true });
		try {
			const tls = { mode, ca: mode.startsWith('verify') ? encrypted.caCertificate : '' };
			const connection = { ...encrypted.connection, host: 'localhost', tls };
			expect((await dump({ connection, database: 'postgres' })).kind).toBe('full');
			if (mode === 'verify-full') {
				expect((await failure(dump({ connection: { ...connection, host: '127.0.0.1' }, database: 'postgres' }))).code).toBe(
					'TLS_FAILED',
				);
			}
		} finally {
			await encrypted.stop();
		}
	},
	30_000,
);
