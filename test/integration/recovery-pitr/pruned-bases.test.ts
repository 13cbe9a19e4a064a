import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../lib/catalog/manifest';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import type { RecoveryTarget } from '../../../lib/postgres/recovery/target';
import { pruneWal } from '../../../lib/retention/prune-wal';
import { ARCHIVED_SERVER, archiveWal, stockBaseBackup } from '../../support/archived-server';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { queryRecovered } from '../../support/recovered-server';

const HOUR_MS = 3_600_000;

let server: PostgresServer;
let context: TestContext;
let root: string;
const store = new MemoryStore();
let old: Manifest;
let newer: Manifest;
const xids: string[] = [];

const write = async (n: number) => {
	const [row] = await server.query<{ xid: string }>(`INSERT INTO log VALUES (${n}) RETURNING pg_current_xact_id()::text AS xid`, 'crm');
	xids[n] = row!.xid;
};

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-pruned-'));
	await chmod(root, 0o755);
	server = await startPostgres({ settings: ARCHIVED_SERVER });
	await server.createDatabase('crm');
	await server.query('CREATE TABLE log (n int PRIMARY KEY)', 'crm');
	await write(1);
	old = await stockBaseBackup(server, store, context);
	await write(2);
	await server.query("SELECT pg_create_restore_point('pruned')");
	for (let n = 0; n < 2; n++) await server.query('SELECT pg_switch_wal(), pg_logical_emit_message(false, \'\', \'x\')');
	await write(3);
	newer = await stockBaseBackup(server, store, context);
	await write(4);
	await server.query("SELECT pg_create_restore_point('here')");
	await write(5);
	await write(6);
	const early = await archiveWal(server, store, context);
	// Three days later: base backups are kept longer than WAL.
	const late = new Date(Date.now() + 72 * HOUR_MS);
	store.now = () => late;
	await write(7);
	await archiveWal(server, store, context, { without: early });
	store.now = () => new Date(late.getTime() + HOUR_MS);
	const pruned = await pruneWal(store, { ...context, now: () => new Date(late.getTime() + HOUR_MS) }, { windowHours: 24, apply: true });
	expect(pruned.deleted).toBeGreaterThan(0);
}, 240_000);

afterAll(async () => {
	await server?.stop();
	await rm(root, { recursive: true, force: true });
	await context?.remove();
});

test.each<[string, () => RecoveryTarget, boolean, number]>([
	['a restore point', () => ({ by: 'name', name: 'here' }), true, 4],
	['a transaction, with it', () => ({ by: 'xid', xid: xids[5]! }), true, 5],
	['a transaction, without it', () => ({ by: 'xid', xid: xids[5]! }), false, 4],
])('%s is reached from the base backup after the pruned one', async (_, target, inclusive, last) => {
	const folder = join(root, String(Math.random()).slice(2));
	const result = await recover({ store, base: { by: 'newest' }, target: target(), inclusive, timeline: null, folder, destination: { mode: 'startHere', serverFolder: '/usr/lib/postgresql/15/bin' }, user: '', checkPages: false, dryRun: false }, context);
	expect(result.backup.id).toBe(newer.id);
	expect(await queryRecovered<{ n: number }>(result, 'SELECT max(n) AS n FROM log', 'crm')).toEqual([{ n: last }]);
	await stopRecovered({ folder, remove: true }, context);
}, 60_000);

test('a restore point in what was pruned is refused before anything is laid out', async () => {
	const asked = { store, base: { by: 'newest' }, target: { by: 'name', name: 'pruned' }, inclusive: true, timeline: null, folder: join(root, 'never'), destination: { mode: 'prepareOnly' }, user: '', checkPages: false, dryRun: false } as const;
	await expect(recover(asked, context)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining(old.id) });
});
