import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cancelled } from '../../../lib/core/errors';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { findIncident } from '../../../lib/postgres/recovery/incident/find-incident';
import type { FindIncidentOptions } from '../../../lib/postgres/recovery/incident/options';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { serverClock } from '../../support/archived-server';
import { longTest } from '../../support/breadth';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { runningProcesses } from '../../support/processes';
import { STREAMED_SERVER } from '../../support/wal-archive';

const QUESTION = "SELECT count(*) > 5 FROM customers WHERE email = ''";
const store = new MemoryStore();
let server: PostgresServer;
let context: TestContext;
let root: string;
let from: string;
let xid: string;
let damagedAt: string;

/** So many transactions, one after the other. */
async function work(transactions: number): Promise<void> {
	await server.query(`DO $$ BEGIN FOR i IN 1..${transactions} LOOP INSERT INTO visits DEFAULT VALUES; COMMIT; END LOOP; END $$`, 'crm');
}

beforeAll(async () => {
	[server, context] = await Promise.all([startPostgres({ settings: STREAMED_SERVER }), testContext()]);
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-incident-'));
	// As root the server runs as another user, who must pass through.
	await chmod(root, 0o755);
	await server.createDatabase('crm');
	await server.query("CREATE TABLE customers (id int PRIMARY KEY, email text); INSERT INTO customers SELECT n, 'c' || n || '@example.org' FROM generate_series(1, 200) n; CREATE TABLE visits (id bigserial PRIMARY KEY)", 'crm');
	const archive = async () => await archiveWal({ connection: server.connection, name: '', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
	await archive();
	await takeBaseBackup({ connection: server.connection, mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: '', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
	await work(5);
	from = await serverClock(server);
	await work(700);
	const [row] = await server.query<{ xid: string }>("UPDATE customers SET email = '' WHERE id % 10 = 0 RETURNING pg_current_xact_id()::text AS xid", 'crm');
	xid = row!.xid;
	damagedAt = await serverClock(server);
	await work(300);
	// What was committed in the last moment before the archive was sent is not promised.
	await new Promise((resolve) => setTimeout(resolve, 300));
	await archive();
}, 90_000);
afterAll(async () => {
	await Promise.all([server?.stop(), context?.remove()]);
	await rm(root, { recursive: true, force: true });
});

const asked = (more: Partial<FindIncidentOptions> = {}): FindIncidentOptions => ({
	store,
	base: { by: 'newest' },
	from,
	to: null,
	question: { database: 'crm', sql: QUESTION, timeoutSeconds: 60 },
	timeline: null,
	folder: join(root, 'search'),
	serverFolder: server.serverFolder,
	user: '',
	mostRecoveries: 12,
	...more,
});

test('the very transaction is found, and nothing is left behind', async () => {
	const result = await findIncident(asked(), context);
	expect(result.incident.xid).toBe(Number(xid));
	expect(result).toMatchObject({ exact: true, target: { by: 'lsn', lsn: result.incident.lsn } });
	expect(Date.parse(result.incident.at)).toBeGreaterThan(Date.parse(from));
	expect(Date.parse(result.incident.at)).toBeLessThanOrEqual(Date.parse(damagedAt));
	expect(result.commits).toBeGreaterThanOrEqual(1001);
	expect(result.recoveries).toBeLessThanOrEqual(5);
	expect(result.asked[0]).toMatchObject({ before: true, damaged: false, recovery: 1 });
	expect(result.asked.filter(({ at }) => at < result.incident.at).every(({ damaged }) => !damaged)).toBe(true);
	expect(await readdir(join(root, 'search'))).toEqual([]);
	expect(runningProcesses().filter(({ command }) => command.some((part) => part.includes(root)))).toEqual([]);
}, 120_000);

longTest('a search that begins too late, ends too early or asks nonsense says so, and leaves nothing behind', async () => {
	expect((await failure(findIncident(asked({ from: damagedAt }), context))).message).toContain('The damage is already there');
	expect((await failure(findIncident(asked({ from: damagedAt, question: { database: 'crm', sql: 'SELECT false', timeoutSeconds: 60 } }), context))).message).toContain('does not show up to');
	for (const [sql, said] of [
		['SELECT 1', 'neither true nor false'],
		['SELECT true; DROP TABLE customers', 'cannot insert multiple commands'],
		['SELECT count(*) = 0 FROM no_such_table', 'no_such_table'],
	] as const) {
		expect((await failure(findIncident(asked({ question: { database: 'crm', sql, timeoutSeconds: 60 } }), context))).message).toContain(said);
	}
	expect(await readdir(join(root, 'search'))).toEqual([]);
}, 120_000);

test('a cancelled search ends its server and empties its folder', async () => {
	const stop = new AbortController();
	const searching = findIncident(asked(), { ...context, signal: stop.signal, progress: ({ step }) => void (step.startsWith('Ask at') && stop.abort(cancelled())) });
	expect(await failure(searching)).toMatchObject({ code: 'CANCELLED' });
	expect(await readdir(join(root, 'search'))).toEqual([]);
	expect(runningProcesses().filter(({ command }) => command.some((part) => part.includes(root)))).toEqual([]);
}, 60_000);
