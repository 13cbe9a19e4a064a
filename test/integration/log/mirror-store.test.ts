import fc from 'fast-check';
import { COMPONENTS, type Component } from '../../../lib/catalog/component';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock, type Lock } from '../../../lib/catalog/locks';
import { recordCopy } from '../../../lib/catalog/copies';
import { componentFolder, STORE_IDENTITY_KEY } from '../../../lib/catalog/layout';
import { appendToHistory, pastRun } from '../../../lib/catalog/run-history';
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

/** The same objects at another place. */
class MovedStore extends MemoryStore {
	override readonly description: string;

	constructor(from: MemoryStore, description: string) {
		super();
		this.description = description;
		for (const [key, object] of from.objects) this.objects.set(key, object);
	}
}

test('failures that were mended since come back with a rebuild, from the history of the store', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const startedAt = '2026-11-21T02:00:00.000Z';
	const failed = { formatVersion: 1 as const, component: 'postgres' as const, kind: 'full' as const, source: 'crm', backupId: idAt(startedAt), outcome: 'failed' as const, startedAt, finishedAt: '2026-11-21T02:03:00.000Z', error: { code: 'STORE_FULL', message: 'It was full.', hint: 'Make room.' } };
	await appendToHistory(store, failed, pastRun(failed), NEVER);
	const pruned = { ...failed, backupId: idAt(startedAt), outcome: 'success' as const, error: null };
	await appendToHistory(store, failed, pastRun(pruned, { durationSeconds: 180, sourceBytes: 5, storedBytes: 5 }), NEVER);
	await publishSmall(store, { startedAt: '2026-11-22T02:00:00.000Z' });
	expect(await mirror(store, database, { rebuild: true })).toMatchObject({ rows: 2, failed: 1 });
	expect(await server.query(`SELECT backup_id, error_message, duration_minutes FROM backup_log WHERE status = 'failed'`, database)).toEqual([{ backup_id: failed.backupId, error_message: 'It was full.', duration_minutes: '3.000' }]);
});

test('a store that was moved keeps its rows; running ones end', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const backup = await publishSmall(store, { startedAt: '2026-11-22T02:00:00.000Z' });
	const id = await run(store, 'running', 'crm');
	await withLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'testing', waitSeconds: 0, backupId: id }, async () => await mirror(store, database));
	expect(await mirror(new MovedStore(store, 'folder /new'), database)).toMatchObject({ running: 0, failed: 1 });
	expect(await server.query('SELECT backup_id, store, status FROM backup_log ORDER BY created_at', database)).toEqual([
		{ backup_id: backup.id, store: 'folder /new', status: 'success' },
		{ backup_id: id, store: 'folder /new', status: 'failed' },
	]);
});

test('a rebuild takes over what was logged under an id that the store has lost, and leaves another store its copies', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const backup = await publishSmall(store, { startedAt: '2026-11-22T02:00:00.000Z' });
	const id = await run(store, 'running', 'crm');
	await withLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'testing', waitSeconds: 0, backupId: id }, async () => await mirror(store, database));
	const copies = new MovedStore(store, 's3 copies');
	for (const key of [...copies.objects.keys()]) if (key.startsWith('status/')) await copies.remove(key);
	await recordCopy(copies, context, backup, { store: store.description, origin: true, copiedAt: backup.startedAt, checkedAt: backup.startedAt });
	await mirror(copies, database, { rebuild: true });
	const rows = async () => await server.query('SELECT backup_id, store, status FROM backup_log ORDER BY created_at', database);
	expect(await rows()).toEqual([{ backup_id: backup.id, store: 'memory', status: 'success' }, { backup_id: id, store: 'memory', status: 'running' }]);

	const moved = new MovedStore(store, 'folder /new');
	for (const key of [...moved.objects.keys()]) if (key === STORE_IDENTITY_KEY || key.startsWith('status/last-run/')) await moved.remove(key);
	await mirror(moved, database, { rebuild: true });
	expect(await rows()).toEqual([{ backup_id: backup.id, store: 'folder /new', status: 'success' }]);
});

test('a table that the first version made is brought up to date, its rows and their store kept', async () => {
	const store = new MemoryStore();
	const database = await newDatabase();
	const backup = await publishSmall(store, { startedAt: '2026-11-22T02:00:00.000Z' });
	await server.query(
		`CREATE TABLE backup_log (
			backup_id text PRIMARY KEY, component text NOT NULL, kind text NOT NULL, source text NOT NULL,
			status text NOT NULL CHECK (status IN ('success', 'failed', 'running')), created_at timestamptz NOT NULL, finished_at timestamptz,
			duration_minutes numeric(12,3), size_mb numeric(16,3), source_bytes bigint, stored_bytes bigint, store text NOT NULL, parent text,
			damaged boolean NOT NULL DEFAULT false, verified_level text, verified_at timestamptz, copies integer NOT NULL DEFAULT 0,
			error_code text, error_message text, error_hint text, deleted_at timestamptz, logged_at timestamptz NOT NULL DEFAULT now()
		);
		COMMENT ON TABLE backup_log IS 'n8n-nodes-backup-recovery 1';
		CREATE VIEW backup_status AS SELECT 'x' AS component, now() AS last_backup, 0::bigint AS total_backups, 'OK' AS status, now() AS last_verified, 'x' AS name;
		COMMENT ON VIEW backup_status IS 'n8n-nodes-backup-recovery 1';
		INSERT INTO backup_log (backup_id, component, kind, source, status, created_at, store) VALUES
			('${backup.id}', 'postgres', 'full', 'crm', 'running', '2026-11-22T02:00:00Z', 'memory'), ('gone', 'postgres', 'full', 'crm', 'success', '2026-11-21T02:00:00Z', 'memory'),
			('elsewhere', 'postgres', 'full', 'crm', 'running', '2026-11-21T02:00:00Z', 'folder /another');`,
		database,
	);
	expect(await mirror(store, database)).toMatchObject({ changed: 1, deleted: 1 });
	expect(await server.query(`SELECT backup_id, status, store_id IS NOT NULL AS known, deleted_at IS NOT NULL AS deleted FROM backup_log ORDER BY backup_id`, database)).toEqual([
		{ backup_id: backup.id, status: 'success', known: true, deleted: false },
		{ backup_id: 'elsewhere', status: 'running', known: false, deleted: false },
		{ backup_id: 'gone', status: 'success', known: true, deleted: true },
	]);
	const marks = `SELECT obj_description('backup_log'::regclass, 'pg_class') AS of_table, obj_description('backup_status'::regclass, 'pg_class') AS of_view`;
	expect(await server.query(marks, database)).toEqual([{ of_table: 'n8n-nodes-backup-recovery 2', of_view: 'n8n-nodes-backup-recovery 2' }]);
	expect(await server.query(`SELECT status FROM backup_status WHERE name = 'postgres'`, database)).toEqual([{ status: 'CRITICAL' }]);
	expect(await mirror(store, database)).toMatchObject({ changed: 0, deleted: 0 });
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

test('backup_status says of any catalog what the status says that is computed from the store, whatever ran, failed, died or was deleted', async () => {
	const backup = fc.record({
		component: fc.constantFrom<Component>(...COMPONENTS),
		kind: fc.constantFrom('full', 'globals', 'extract', 'base', 'incremental', 'partial'),
		hoursAgo: fc.double({ min: 0.01, max: 400, noNaN: true }),
		fate: fc.constantFrom('kept', 'kept', 'kept', 'damaged', 'deleted', 'failed', 'running', 'died'),
		source: fc.constantFrom('crm', HOSTILE),
	});
	const database = await newDatabase();
	const seen = new Set<string>();
	await fc.assert(
		fc.asyncProperty(fc.array(backup, { maxLength: 16 }), async (backups) => {
			const store = new MemoryStore();
			const now = Date.now();
			const deleted: string[] = [];
			const locks = new Map<Component, Lock>();
			for (const { component, kind: some, hoursAgo, fate, source } of backups) {
				const kind = some as 'full';
				const startedAt = new Date(now - hoursAgo * 3_600_000).toISOString();
				const id = idAt(startedAt, kind);
				if (fate === 'kept' || fate === 'damaged' || fate === 'deleted') {
					const parent = some === 'incremental' ? idAt(startedAt) : null;
					await publishSmall(store, { component, kind, id, startedAt, parent }, fate === 'damaged' ? [check({ passed: false })] : []);
					if (fate === 'deleted') deleted.push(`${componentFolder(component)}${id}/`);
				} else {
					const error = fate === 'failed' ? { code: 'STORE_FULL', message: HOSTILE, hint: '' } : null;
					await writeLastRun(store, { formatVersion: 1, component, kind, source, backupId: id, outcome: fate === 'failed' ? 'failed' : 'running', startedAt, finishedAt: error && startedAt, error }, NEVER);
					// One holds the lock of a component at a time: those that come later died.
					if (fate === 'running' && !locks.has(component)) {
						const lock = await acquireLock(store, context, { name: component, mode: 'exclusive', purpose: 'testing', waitSeconds: 0 });
						await lock.attach(id);
						locks.set(component, lock);
					}
				}
			}
			await server.query('DROP TABLE IF EXISTS backup_log CASCADE', database);
			await mirror(store, database);
			for (const key of [...store.objects.keys()]) if (deleted.some((folder) => key.startsWith(folder))) await store.remove(key);
			await mirror(store, database);
			const shown = await server.query('SELECT name, total_backups::int AS total, status FROM backup_status ORDER BY name', database);
			const { components } = await readStatus(store, { components: [], thresholds: [], holdOnAlarm: false }, context);
			const expected = components.map(({ component, backups: total, freshness }) => ({ name: component, total, status: freshness }));
			// Of what is deleted the log keeps rows, by which the view knows a component that the store has forgotten.
			const forgotten = shown.filter(({ name }) => !expected.some((one) => one.name === name));
			expect(forgotten.every(({ total, status }) => total === 0 && status === 'CRITICAL')).toBe(true);
			expect(shown.filter((row) => !forgotten.includes(row))).toEqual(expected.sort((a, b) => (a.name < b.name ? -1 : 1)));
			for (const { status } of await server.query('SELECT DISTINCT status FROM backup_log', database)) seen.add(String(status));
			for (const lock of locks.values()) await lock.release();
		}),
		{ numRuns: 25 },
	);
	expect([...seen].sort()).toEqual(['failed', 'running', 'success']);
});
