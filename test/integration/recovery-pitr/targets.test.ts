import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recover } from '../../../lib/postgres/recovery/recover';
import type { RecoverOptions, RecoverResult } from '../../../lib/postgres/recovery/options';
import { stopServerOf } from '../../../lib/postgres/recovery/own-server';
import { postgresConnectionSchema } from '../../../lib/postgres/connection-settings';
import { withClient } from '../../../lib/postgres/connect';
import type { RecoveryTarget } from '../../../lib/postgres/recovery/target';
import { MemoryStore } from '../../support/memory-store';
import { ARCHIVED_SERVER, archiveWal, serverClock, stockBaseBackup } from '../../support/archived-server';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { NEVER } from '../../support/backup-fixtures';

let server: PostgresServer;
let context: TestContext;
let root: string;
const store = new MemoryStore();
/** What was committed when, by the writer's own log. */
const log: { n: number; xid: string; lsn: string; before: string; after: string }[] = [];
let nobody: string;

async function write(n: number): Promise<void> {
	const before = await serverClock(server);
	const [row] = await server.query<{ xid: string }>(`INSERT INTO log VALUES (${n}) RETURNING pg_current_xact_id()::text AS xid`);
	const [at] = await server.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
	log.push({ n, xid: row!.xid, lsn: at!.lsn, before, after: await serverClock(server) });
	await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-pitr-'));
	// As root the server runs as another user, who must pass through.
	await chmod(root, 0o755);
	server = await startPostgres({ settings: ARCHIVED_SERVER });
	await server.query('CREATE TABLE log (n int PRIMARY KEY)');
	for (let n = 1; n <= 3; n++) await write(n);
	nobody = await serverClock(server);
	await stockBaseBackup(server, store, context);
	for (let n = 4; n <= 8; n++) await write(n);
	await server.query("SELECT pg_create_restore_point('before the migration')");
	for (let n = 9; n <= 10; n++) await write(n);
	await new Promise((resolve) => setTimeout(resolve, 300));
	await archiveWal(server, store, context);
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
	destination: { mode: 'startHere', serverFolder: '/usr/lib/postgresql/15/bin' },
	user: '',
	checkPages: false,
	dryRun: false,
	...changes,
});

/** Recovers, looks what is there, and stops the server. */
async function recovered(target: RecoveryTarget, changes: Partial<RecoverOptions> = {}): Promise<{ rows: number[]; result: RecoverResult }> {
	const result = await recover(request(target, changes), context);
	const { host, port, user } = result.server!;
	const connection = postgresConnectionSchema.parse({ host, port, user, tls: { mode: 'disable' } });
	const rows = await withClient(connection, { signal: NEVER, applicationName: 'test' }, async (client) => (await client.query<{ n: number }>('SELECT n FROM public.log ORDER BY n')).rows.map(({ n }) => n));
	expect(await stopServerOf(join(result.folder, 'data'), NEVER)).toBe(true);
	return { rows, result };
}

const upTo = (n: number) => Array.from({ length: n }, (_, at) => at + 1);

test('the newest state', async () => {
	const { rows, result } = await recovered({ by: 'latest' }, { checkPages: true });
	expect(rows).toEqual(upTo(10));
	expect(result.reached).toMatchObject({ timeline: 2 });
	expect(result.databases).toEqual(['postgres']);
});

test('a time between two commits', async () => {
	for (const n of [5, 9]) {
		const { rows, result } = await recovered({ by: 'time', time: log[n - 1]!.after });
		expect(rows).toEqual(upTo(n));
		expect(result.reached?.stopped).toContain('before commit of transaction');
	}
});

test('a time at which nothing was committed any more', async () => {
	const { rows } = await recovered({ by: 'time', time: log.at(-1)!.after });
	expect(rows).toEqual(upTo(10));
});

test('an LSN, a name and a transaction', async () => {
	expect((await recovered({ by: 'lsn', lsn: log[5]!.lsn })).rows).toEqual(upTo(6));
	expect((await recovered({ by: 'name', name: 'before the migration' })).rows).toEqual(upTo(8));
	expect((await recovered({ by: 'xid', xid: log[6]!.xid })).rows).toEqual(upTo(7));
	expect((await recovered({ by: 'xid', xid: log[6]!.xid }, { inclusive: false })).rows).toEqual(upTo(6));
});

test('before and after the window', async () => {
	for (const time of [nobody, '2099-01-01T00:00:00Z']) {
		const asked = request({ by: 'time', time });
		await expect(recover(asked, context)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
		await expect(readdir(asked.folder)).rejects.toThrow('ENOENT');
	}
});
