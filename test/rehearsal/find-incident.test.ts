import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBaseBackup } from '../../lib/postgres/basebackup/take-base-backup';
import { findIncident } from '../../lib/postgres/recovery/incident/find-incident';
import { archiveWal } from '../../lib/postgres/wal/archive-wal';
import { serverClock } from '../support/archived-server';
import { testContext, type TestContext } from '../support/job-context';
import { MemoryStore } from '../support/memory-store';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { STREAMED_SERVER } from '../support/wal-archive';

/** As many as a commit a second for two hours. */
const COMMITS = 7200;

/** Early, late, and two in between: where the search goes back often, and where it goes on often. */
describe.each([1, 1500, 4100, COMMITS])('7,200 commits, the damage in number %i', (place) => {
	const store = new MemoryStore();
	let server: PostgresServer;
	let context: TestContext;
	let root: string;

	beforeAll(async () => {
		[server, context] = await Promise.all([startPostgres({ settings: STREAMED_SERVER }), testContext()]);
		root = await mkdtemp(join(tmpdir(), 'backup-recovery-incident-'));
		await chmod(root, 0o755);
		await server.createDatabase('crm');
		await server.query("CREATE TABLE customers (id int PRIMARY KEY, email text); INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 200) n; CREATE TABLE visits (id int, xid xid8)", 'crm');
	}, 60_000);
	afterAll(async () => {
		await Promise.all([server?.stop(), context?.remove()]);
		await rm(root, { recursive: true, force: true });
	});

	test('is found in at most 12 recoveries', async () => {
		const archive = async () => await archiveWal({ connection: server.connection, name: '', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
		await archive();
		await takeBaseBackup({ connection: server.connection, mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: '', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
		const from = await serverClock(server);
		const work = `DO $$ BEGIN FOR i IN 1..${COMMITS} LOOP INSERT INTO visits VALUES (i, pg_current_xact_id()); IF i = ${place} THEN UPDATE customers SET email = '' WHERE id % 10 = 0; END IF; COMMIT; END LOOP; END $$`;
		await server.query(work, 'crm');
		const [bad] = await server.query<{ xid: string }>(`SELECT xid::text FROM visits WHERE id = ${place}`, 'crm');
		await new Promise((resolve) => setTimeout(resolve, 300));
		await archive();
		const startedAt = performance.now();
		const result = await findIncident(
			{ store, base: { by: 'newest' }, from, to: null, question: { database: 'crm', sql: "SELECT count(*) > 5 FROM customers WHERE email = ''", timeoutSeconds: 60 }, timeline: null, folder: join(root, 'search'), serverFolder: server.serverFolder, user: '', mostRecoveries: 12 },
			context,
		);
		process.stdout.write(`${result.sentence} ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
		expect(result.incident.xid).toBe(Number(bad!.xid));
		expect(result.commits).toBeGreaterThanOrEqual(COMMITS);
		expect(result.recoveries).toBeLessThanOrEqual(12);
	}, 300_000);
});
