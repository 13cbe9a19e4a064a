import fc from 'fast-check';
import { COMPONENTS, type Component } from '../../../lib/catalog/component';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { componentFolder } from '../../../lib/catalog/layout';
import { withLock } from '../../../lib/catalog/with-lock';
import { mirrorStore } from '../../../lib/log/mirror-store';
import { readStatus } from '../../../lib/status/read-status';
import { check, idAt, NEVER, publishSmall } from '../../support/backup-fixtures';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

let server: PostgresServer;
let context: TestContext;
beforeAll(async () => {
	server = await startPostgres();
	context = await testContext();
}, 60_000);
afterAll(async () => {
	await context.remove();
	await server.stop();
});

let databases = 0;
async function newDatabase(): Promise<string> {
	const name = `log ${++databases}`;
	await server.createDatabase(name);
	return name;
}

const mirror = async (store: MemoryStore, database: string, changes: { schema?: string; rebuild?: boolean } = {}) =>
	await mirrorStore(store, { connection: server.connection, database, schema: 'public', rebuild: false, ...changes }, context);

const HOSTILE = `<script>alert("x")</script>'); DROP TABLE backup_log; -- *bold* <!channel>`;

async function run(store: MemoryStore, outcome: 'running' | 'failed', source: string) {
	const backupId = idAt('2026-11-22T05:00:00Z');
	const error = outcome === 'failed' ? { code: 'STORE_FULL', message: HOSTILE, hint: 'Make room.' } : null;
	const finishedAt = outcome === 'failed' ? '2026-11-22T05:03:00.000Z' : null;
	await writeLastRun(store, { formatVersion: 1, component: 'postgres', kind: 'full', source, backupId, outcome, startedAt: '2026-11-22T05:00:00.000Z', finishedAt, error }, NEVER);
	return backupId;
}

test('shows backups, failures and dead runs, and changes nothing the second time', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const good = await publishSmall(store, { startedAt: '2026-11-22T02:00:00.000Z', finishedAt: '2026-11-22T02:03:00.000Z', durationSeconds: 180, storedBytes: 2_500_000 }, [check()]);
	const failed = await run(store, 'failed', HOSTILE);
	const dead = await run(store, 'running', 'dead');

	expect(await mirror(store, database)).toMatchObject({ changed: 3, deleted: 0, rows: 3, running: 0, failed: 2, warnings: [] });
	expect(await mirror(store, database)).toMatchObject({ changed: 0, deleted: 0 });

	const rows = await server.query('SELECT * FROM backup_log ORDER BY backup_id', database);
	expect(rows.find((row) => row.backup_id === good.id)).toMatchObject({
		component: 'postgres', status: 'success', duration_minutes: '3.000', size_mb: '2.500', stored_bytes: '2500000', verified_level: 'restore', damaged: false,
		created_at: new Date('2026-11-22T02:00:00Z'),
	});
	expect(rows.find((row) => row.backup_id === failed)).toMatchObject({ status: 'failed', source: HOSTILE, error_message: HOSTILE, duration_minutes: '3.000', size_mb: null });
	expect(rows.find((row) => row.backup_id === dead)).toMatchObject({ status: 'failed', error_code: 'JOB_CRASHED' });
});

test('a run that goes on is running, and its row becomes that of its backup', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const id = await run(store, 'running', 'crm');
	await withLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'testing', waitSeconds: 0, backupId: id }, async () => {
		expect(await mirror(store, database)).toMatchObject({ running: 1, failed: 0 });
	});
	await publishSmall(store, { id, startedAt: '2026-11-22T05:00:00.000Z' });
	expect(await mirror(store, database)).toMatchObject({ changed: 1, running: 0, failed: 0 });
	expect(await server.query('SELECT status FROM backup_log', database)).toEqual([{ status: 'success' }]);
});

test('keeps the history of failures and of what was deleted; a rebuild keeps what the store holds', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const old = await publishSmall(store, { startedAt: '2026-11-20T02:00:00.000Z' });
	const first = await run(store, 'failed', 'crm');
	await mirror(store, database);
	// A newer run of the series takes the place of the failed one, and retention deletes the old backup.
	const second = await run(store, 'failed', 'crm');
	for (const key of [...store.objects.keys()]) if (key.startsWith(`${componentFolder('postgres')}${old.id}/`)) await store.remove(key);
	expect(await mirror(store, database)).toMatchObject({ deleted: 1 });
	const ids = async () => (await server.query('SELECT backup_id, deleted_at IS NOT NULL AS deleted FROM backup_log', database)).map(({ backup_id, deleted }) => `${backup_id} ${deleted}`).sort();
	expect(await ids()).toEqual([`${old.id} true`, `${first} false`, `${second} false`].sort());
	await mirror(store, database, { rebuild: true });
	expect(await ids()).toEqual([`${second} false`]);
});

test('leaves a table and a view of somebody else alone', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	await server.query('CREATE SCHEMA "ours, too"; CREATE VIEW "ours, too".backup_status AS SELECT 1 AS mine; CREATE TABLE public.backup_log (mine int)', database);
	await expect(mirror(store, database)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('not made by this package') });
	await expect(mirror(store, database, { schema: 'nowhere' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
	expect(await mirror(store, database, { schema: 'ours, too' })).toMatchObject({ warnings: [expect.stringContaining('backup_status')] });
	expect(await server.query('SELECT * FROM "ours, too".backup_status', database)).toEqual([{ mine: 1 }]);
});

test('has the columns that status views and reports are made of', async () => {
	const database = await newDatabase();
	await mirror(new MemoryStore(), database);
	const columns = await server.query(
		`SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'backup_log' AND column_name IN ('component', 'created_at', 'size_mb', 'duration_minutes', 'status') ORDER BY 1`,
		database,
	);
	expect(columns).toEqual([
		{ column_name: 'component', data_type: 'text' },
		{ column_name: 'created_at', data_type: 'timestamp with time zone' },
		{ column_name: 'duration_minutes', data_type: 'numeric' },
		{ column_name: 'size_mb', data_type: 'numeric' },
		{ column_name: 'status', data_type: 'text' },
	]);
});

test('backup_status says of any catalog what the status says that is computed from the store', async () => {
	const backup = fc.record({
		component: fc.constantFrom<Component>(...COMPONENTS),
		kind: fc.constantFrom('full', 'globals', 'extract', 'base'),
		hoursAgo: fc.double({ min: 0.01, max: 400, noNaN: true }),
		damaged: fc.boolean(),
	});
	const database = await newDatabase();
	await fc.assert(
		fc.asyncProperty(fc.array(backup, { maxLength: 12 }), async (backups) => {
			const store = new MemoryStore();
			const now = Date.now();
			for (const { component, kind, hoursAgo, damaged } of backups) {
				const startedAt = new Date(now - hoursAgo * 3_600_000).toISOString();
				await publishSmall(store, { component, kind: kind as 'full', id: idAt(startedAt, kind), startedAt }, damaged ? [check({ passed: false })] : []);
			}
			await server.query('DROP TABLE IF EXISTS backup_log CASCADE', database);
			await mirror(store, database);
			const shown = await server.query('SELECT name, total_backups::int AS total, status FROM backup_status ORDER BY name', database);
			const { components } = await readStatus(store, { components: [], thresholds: [], holdOnAlarm: false }, context);
			const expected = components.map(({ component, backups: total, freshness }) => ({ name: component, total, status: freshness }));
			expect(shown).toEqual(expected.sort((a, b) => (a.name < b.name ? -1 : 1)));
		}),
		{ numRuns: 25 },
	);
});
