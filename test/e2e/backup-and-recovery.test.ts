import { readdirSync } from 'node:fs';
import { escapeIdentifier } from 'pg';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { RestoreResult } from '../../lib/jobs/results';
import { createCrmDatabase } from '../support/crm-database';
import { type DatabaseContents, differences, snapshotContents } from '../support/database-contents';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';

interface Recovery {
	readonly message: string;
	readonly confirm?: string;
	readonly restore?: RestoreResult;
}

const CONFIRMATION = `RESTORE ${SHIPPED_DATABASE}`;

let server: PostgresServer;
let packed: PackedPackage;
let n8n: N8nServer;
let workflows: InstalledWorkflows;
let before: DatabaseContents;
let after: DatabaseContents;

beforeAll(async () => {
	[server, packed] = await Promise.all([startPostgres(), packPackage()]);
	await createCrmDatabase(server, SHIPPED_DATABASE, 0.2);
	n8n = await startN8n({ databaseServer: server, tarball: packed.tarball });
	workflows = await installShippedWorkflows(n8n, server);
	before = await snapshotContents(server, SHIPPED_DATABASE);
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await server?.stop();
}, 60_000);

const databases = async () => (await server.query<{ datname: string }>('SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) => datname);

describe('the whole loop, in the order in which a team lives it', () => {
	let backup: BackupSummary;

	test('Backup: Full dumps the database and the roles, and proves the dump by restoring it', async () => {
		const databasesBefore = await databases();
		const execution = await n8n.execute(SHIPPED.fullBackup, 'Run Now');
		expect(execution.describe()).toMatch(/is "success" after: Run Now > Settings > .* > Report$/);

		const [report] = execution.items<{ summary: string; backup: BackupSummary; globals: BackupSummary; verification: { level: string; comparison: Array<{ equal: boolean; contentEqual?: boolean }> } }>('Report');
		backup = report!.backup;
		expect(backup).toMatchObject({ component: 'postgres', kind: 'full', status: 'success', source: SHIPPED_DATABASE });
		expect(report!.globals).toMatchObject({ component: 'postgres', kind: 'globals', status: 'success' });
		expect(report!.verification.level).toBe('restore');
		expect(report!.verification.comparison.length).toBeGreaterThan(15);
		expect(report!.verification.comparison.every((table) => table.equal && table.contentEqual)).toBe(true);
		expect(await databases()).toEqual(databasesBefore);
		expect(differences(before, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);
		expect(readdirSync(`${n8n.storeFolder}/backups/postgres/${backup.id}`).sort()).toEqual(expect.arrayContaining(['RESTORE.txt', 'manifest.json']));
	}, 120_000);

	test('an accident: one table dropped, another overwritten without WHERE', async () => {
		await server.query(`DROP TABLE contacts CASCADE; UPDATE customers SET company = 'oops'`, SHIPPED_DATABASE);
		after = await snapshotContents(server, SHIPPED_DATABASE);
		expect(differences(before, after)).toEqual(expect.arrayContaining(['public.contacts', 'public.customers']));
	});

	test.each([
		['no key', {}, 403],
		['a wrong key', { 'X-Recovery-Key': 'guessed' }, 403],
	])('the recovery webhook refuses %s', async (_name, headers, status) => {
		const executions = (await n8n.rest.executions(SHIPPED.recovery)).length;
		const answer = await n8n.webhook('recovery-database', { confirm: CONFIRMATION }, headers);
		expect(answer.status).toBe(status);
		expect(await n8n.rest.executions(SHIPPED.recovery)).toHaveLength(executions);
		expect(differences(after, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);
	});

	test.each([
		['nothing', {}],
		['another database', { confirm: 'RESTORE crm' }],
		['only the name', { confirm: SHIPPED_DATABASE }],
		['something that is no text', { confirm: { toString: 'x' } }],
	])('with %s typed as confirmation it says what to type and changes nothing', async (_name, body) => {
		const databasesBefore = await databases();
		const answer = await workflows.recover(body);
		expect(answer.status).toBe(400);
		expect((JSON.parse(answer.body) as Recovery).confirm).toBe(CONFIRMATION);
		expect(await databases()).toEqual(databasesBefore);
		expect(differences(after, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);
	}, 30_000);

	test('a dry run shows the plan and changes nothing', async () => {
		const databasesBefore = await databases();
		const answer = await workflows.recover({ dryRun: true });
		expect(answer).toMatchObject({ status: 200 });
		const { restore } = JSON.parse(answer.body) as Recovery;
		expect(restore).toMatchObject({ dryRun: true, backup: { id: backup.id } });
		expect(restore!.plan.length).toBeGreaterThan(3);
		expect(await databases()).toEqual(databasesBefore);
		expect(differences(after, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);
	}, 60_000);

	test('a recovery that fails answers with the reason, changes nothing, and alerts', async () => {
		const answer = await workflows.recover({ confirm: CONFIRMATION, backup: '20200101T000000Z-full-000000' });
		expect(answer.status).toBe(500);
		expect(JSON.parse(answer.body)).toMatchObject({ code: 'BACKUP_NOT_FOUND', message: expect.stringContaining('20200101T000000Z-full-000000') as string });
		expect(differences(after, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);

		const alert = await newestExecution(SHIPPED.errorAlert);
		expect(alert.items<{ text: string }>('Delivery')).toEqual([expect.objectContaining({ text: expect.stringContaining('FAILED: Recovery: Database') as string })]);
	}, 60_000);

	test('Recovery: Database brings every table back and keeps the wrecked database aside', async () => {
		const answer = await workflows.recover({ confirm: CONFIRMATION });
		expect(answer).toMatchObject({ status: 200 });
		const { restore } = JSON.parse(answer.body) as Recovery;
		expect(restore).toMatchObject({ dryRun: false, database: SHIPPED_DATABASE, backup: { id: backup.id } });
		expect(restore!.comparison.every((table) => table.equal)).toBe(true);

		expect(differences(before, await snapshotContents(server, SHIPPED_DATABASE))).toEqual([]);
		expect(await server.query('SELECT datallowconn FROM pg_database WHERE datname = $1', 'postgres', [restore!.previousDatabase])).toEqual([{ datallowconn: false }]);
		await server.query(`ALTER DATABASE ${escapeIdentifier(restore!.previousDatabase!)} ALLOW_CONNECTIONS true`);
		expect(differences(after, await snapshotContents(server, restore!.previousDatabase!))).toEqual([]);
		expect(await server.query(`SELECT pg_get_userbyid(datdba) AS owner, datallowconn FROM pg_database WHERE datname = '${SHIPPED_DATABASE}'`)).toEqual([{ owner: 'crm_owner', datallowconn: true }]);
		expect((await server.query<{ TimeZone: string }>('SHOW timezone', SHIPPED_DATABASE))[0]!.TimeZone).toBe('America/Sao_Paulo');
	}, 120_000);

	test('nothing of the package is still connected', async () => {
		expect(await server.sessions()).not.toContainEqual(expect.stringContaining('backup-recovery'));
	});
});

async function newestExecution(workflowId: string) {
	for (let attempt = 0; attempt < 100; attempt++) {
		const [newest] = await n8n.rest.executions(workflowId);
		if (newest !== undefined) return await n8n.rest.finished(newest.id);
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	throw new Error(`The workflow ${workflowId} never ran.`);
}
