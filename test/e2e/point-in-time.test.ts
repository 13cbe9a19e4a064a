import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { ContinuityResult, DatabaseComparison, RecoverResult, ReplaceResult, RowDiffResult } from '../../lib/jobs/results';
import { serverClock } from '../support/archived-server';
import { createCrmDatabase } from '../support/crm-database';
import { FORM_LOGIN } from '../support/n8n-credentials';
import { FormVisit } from '../support/n8n-form';
import { type N8nServer, startN8n } from '../support/n8n-server';
import { LoggingWriter, logDifferences } from '../support/logging-writer';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { newestRecovery } from '../support/recovery-journals';
import { installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

const PATH = 'recovery-point-in-time';
const CONFIRMATION = `RECOVER ${SHIPPED_DATABASE}`;

describe('Recovery: Point in Time, in a real n8n', () => {
	let server: PostgresServer;
	let n8n: N8nServer;
	let packed: PackedPackage;
	let recoveryFolder: string;
	let writer: LoggingWriter;
	let target: string;
	let backup: BackupSummary;

	beforeAll(async () => {
		[server, packed] = await Promise.all([startPostgres(), packPackage()]);
		recoveryFolder = await mkdtemp(join(tmpdir(), 'recovery-'));
		await chmod(recoveryFolder, 0o755);
		await createCrmDatabase(server, SHIPPED_DATABASE, 0.05);
		n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [recoveryFolder] });
		await installShippedWorkflows(n8n, server, { recoveryFolder, watchSeconds: 2 });
	}, 180_000);

	afterAll(async () => {
		await writer?.stop();
		await n8n?.stop();
		await server?.stop();
		await packed?.remove();
		if (recoveryFolder) await rm(recoveryFolder, { recursive: true, force: true });
	}, 60_000);

	test('WAL streams into the store, a base backup is taken and proven, and the window has no gap', async () => {
		await n8n.publish(SHIPPED.continuous);
		const execution = await n8n.execute(SHIPPED.continuous, 'Take Base Backup Now', 120_000);
		expect(execution.describe()).toMatch(/success/);
		backup = execution.items<{ backup: BackupSummary }>('Base Backup')[0]!.backup;
		expect(execution.items<{ continuity: ContinuityResult }>('Check Continuity')).toEqual([{ backup: expect.objectContaining({ id: backup.id }) as object, continuity: expect.objectContaining({ level: 'records' }) as object }]);
	}, 120_000);

	test('a client goes on writing, and a table is dropped', async () => {
		writer = await LoggingWriter.start(server, SHIPPED_DATABASE);
		await sleep(3_000);
		await server.query('DROP TABLE contacts CASCADE', SHIPPED_DATABASE);
		target = new Date(Date.parse(await serverClock(server)) - 1_000).toISOString();
		await sleep(4_000);
		expect(writer.log.length).toBeGreaterThan(50);
	}, 60_000);

	test.each([
		['without the login', { user: 'recovery', password: 'guessed' }],
		['with another name', { user: 'somebody', password: FORM_LOGIN.password }],
	])('the form refuses somebody %s', async (_name, login) => {
		await expect(FormVisit.begin(n8n.url, PATH, [target, 'x', CONFIRMATION], login)).rejects.toThrow(/40[13]/);
	});

	test.each([
		['another confirmation', () => target, 'RECOVER crm', `type ${CONFIRMATION}`],
		['a time before the base backup', () => '2020-01-01 00:00:00', CONFIRMATION, 'Nothing was changed'],
		['what is no time', () => 'yesterday', CONFIRMATION, 'The recovery stopped'],
	])('%s changes nothing and says why', async (_name, when, confirmation, expected) => {
		const visit = await FormVisit.begin(n8n.url, PATH, [when(), 'a test', confirmation], FORM_LOGIN);
		expect(await visit.page()).toContain(expected);
		expect(await readdir(recoveryFolder)).toEqual([]);
	}, 60_000);

	test('what fails ends as a failed execution, told to the team before anybody looks at the page', async () => {
		const visit = await FormVisit.begin(n8n.url, PATH, ['yesterday', 'a test', CONFIRMATION], FORM_LOGIN);
		expect(await visit.page()).toContain('At "Plan"');
		expect(await told()).toContainEqual(expect.objectContaining({ event: 'problem', title: 'Recovery: Point in Time stopped', what: expect.stringContaining('At "Plan"') as string }));
		await visit.leave();
		await until('the execution fails', async () => (await n8n.rest.executions(SHIPPED.pointInTime))[0]?.status === 'error');
		const [failed] = await n8n.rest.executions(SHIPPED.pointInTime);
		expect((await n8n.rest.execution(failed!.id)).describe()).toContain('At "Plan"');
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Recovery: Point in Time', state: 'abandoned', by: 'a test' });
	}, 60_000);

	test('recovers to one second before, shows what differs, and replaces the live database when a person says so', async () => {
		const visit = await FormVisit.begin(n8n.url, PATH, [target, 'contacts was dropped', CONFIRMATION], FORM_LOGIN);
		const page = await visit.page(180_000);
		expect(page).toMatch(/public\.contacts<\/td><td>\d+<\/td><td>-<\/td><td><b>missing now/);
		const [waiting] = await n8n.rest.executions(SHIPPED.pointInTime);
		const recovering = await n8n.rest.execution(waiting!.id);
		const { recovery } = recovering.items<{ recovery: RecoverResult }>('Recover')[0]!;
		expect(recovery.backup.id).toBe(backup.id);
		const { comparison } = recovering.items<{ comparison: DatabaseComparison }>('Compare')[0]!;
		expect(comparison.changedTables).toEqual(expect.arrayContaining(['public.contacts', 'public.writer_log']));
		expect(comparison.tables.find(({ name }) => name === 'customers')).toMatchObject({ state: 'same' });

		const { host, port, user } = recovery.server!;
		expect(logDifferences(writer.log, await writtenRows({ host, port, user, database: SHIPPED_DATABASE }), target)).toEqual([]);
		expect(await tables()).not.toContain('contacts');

		await writer.stop();
		// The table that is shown counts as the first field.
		await visit.submit(['', 'Replace the live database', SHIPPED_DATABASE]);
		expect(await visit.page(180_000)).toContain('The live database was replaced');
		const { replace } = (await n8n.rest.execution(waiting!.id)).items<{ replace: ReplaceResult }>('Replace Live Database')[0]!;
		expect(replace.comparison.every((table) => table.equal)).toBe(true);
		expect(await tables()).toContain('contacts');
		expect(logDifferences(writer.log, (await server.query<{ id: number }>('SELECT id FROM writer_log', SHIPPED_DATABASE)).map(({ id }) => id), target)).toEqual([]);
		expect(await server.query('SELECT 1 AS kept FROM pg_database WHERE datname = $1', 'postgres', [replace.previousDatabase])).toEqual([{ kept: 1 }]);
		expect(await readdir(recoveryFolder)).toEqual([]);
		const decision = { question: 'Keep or replace?', answer: `Replace the live database, ${SHIPPED_DATABASE}`, by: 'contacts was dropped' };
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ state: 'succeeded', decisions: [decision] });
		expect((await told()).map(({ title }) => title)).toEqual(expect.arrayContaining(['Recovery: Point in Time: a person must decide', 'Recovery: Point in Time: the live database was replaced']));
	}, 300_000);

	// *Scenario: Data Corruption* is rehearsed with kills too (test/rehearsal/killed-runbooks.test.ts).
	test('Scenario: Data Corruption finds a bad UPDATE, brings exactly its rows back, and watches', async () => {
		const contact = async () => await server.query('SELECT id, email, name FROM contacts ORDER BY id', SHIPPED_DATABASE);
		await sleep(1_000);
		const well = await serverClock(server);
		const before = await contact();
		for (let n = 0; n < 10; n++) await server.query("INSERT INTO writer_log SELECT max(id) + 1, now() FROM writer_log", SHIPPED_DATABASE);
		const [bad] = await server.query<{ xid: string }>("UPDATE contacts SET email = 'x' || id || '@bad.example' WHERE id % 2 = 0 RETURNING pg_current_xact_id()::text AS xid", SHIPPED_DATABASE);
		for (let n = 0; n < 10; n++) await server.query("INSERT INTO writer_log SELECT max(id) + 1, now() FROM writer_log", SHIPPED_DATABASE);
		await server.query("UPDATE contacts SET name = 'Later Good' WHERE id IN (2, 3)", SHIPPED_DATABASE);
		await server.query("UPDATE contacts SET email = 'new@example.org' WHERE id = 4", SHIPPED_DATABASE);
		await sleep(5_000);

		const question = "SELECT count(*) > 5 FROM contacts WHERE email LIKE '%@bad.example';";
		const visit = await FormVisit.begin(n8n.url, 'scenario-data-corruption', [question, well, 'Yes: end its sessions and let nobody in', 'a bad UPDATE; the test', `SEARCH ${SHIPPED_DATABASE}`], FORM_LOGIN);
		const page = await visit.page(240_000);
		expect(page).toContain(`Transaction ${bad!.xid}`);
		// What is decided on: the statements, and the rows that stay.
		expect(page).toMatch(/UPDATE ONLY "public"\."contacts" AS t SET "email" = /);
		expect(page).toMatch(/<td>public\.contacts<\/td><td>4<\/td><td>email<\/td><td>changed again since/);
		// The fence was this run's own, and is lifted: rows are compared in an open database.
		expect(await contact()).toHaveLength(before.length);
		const [waiting] = await n8n.rest.executions(SHIPPED.dataCorruption);
		const { rowDiff } = (await n8n.rest.execution(waiting!.id)).items<{ rowDiff: RowDiffResult }>('Row Diff')[0]!;
		const wrecked = before.filter(({ id }) => Number(id) % 2 === 0).length;
		expect(rowDiff.tables).toEqual([{ table: 'public.contacts', inserts: 0, updates: wrecked - 1, deletes: 0, kept: 1, mended: 0 }]);

		await visit.submit(['', 'Apply the patch: only the wrecked rows come back', SHIPPED_DATABASE]);
		expect(await visit.page(120_000)).toContain('The damage is gone');
		expect(await contact()).toEqual(before.map((row) => ({ ...row, ...([2, 3].includes(Number(row.id)) && { name: 'Later Good' }), ...(Number(row.id) === 4 && { email: 'new@example.org' }) })));
		expect((await readdir(recoveryFolder)).filter((name) => !name.endsWith('-patch.sql') && !name.endsWith('-search'))).toEqual([]);

		const decision = { question: 'What now?', answer: `Apply the patch: only the wrecked rows come back, ${SHIPPED_DATABASE}`, by: 'a bad UPDATE; the test' };
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Scenario: Data Corruption', state: 'succeeded', decisions: [decision] });
		// "All is well" comes again and again, not once.
		await until('the watch reports a second time', async () => (await told()).filter(({ key, what }) => key.startsWith('watch/') && what.startsWith('All is well')).length >= 2);
	}, 200_000);

	interface Told {
		readonly key: string;
		readonly event: string;
		readonly title: string;
		readonly what: string;
	}

	/** What *Backup: Notify* was told. */
	async function told(): Promise<Told[]> {
		const executions = await Promise.all((await n8n.rest.executions(SHIPPED.notify)).map(async ({ id }) => await n8n.rest.execution(id)));
		return executions.flatMap((execution) => execution.items<{ alert: Told }>('When Told').map(({ alert }) => alert));
	}

	async function tables(): Promise<string[]> {
		return (await server.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`, SHIPPED_DATABASE)).map(({ name }) => name);
	}
});

async function writtenRows(connection: pg.ClientConfig): Promise<number[]> {
	const client = new pg.Client(connection);
	await client.connect();
	try {
		return (await client.query<{ id: number }>('SELECT id FROM public.writer_log')).rows.map(({ id }) => id);
	} finally {
		await client.end();
	}
}

