import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupSummary } from '../../lib/catalog/summary';
import { createCrmDatabase } from '../support/crm-database';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { dumpWorkflow, listWorkflow } from '../support/n8n-workflows';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { clientProcesses, frozenPgDump, jobProcesses } from '../support/processes';
import { installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

const DUMP = 'brTestDump000001';
const BLOCKED = 'brTestBlocked001';
const FAILING = 'brTestFailing001';
const LIST = 'brTestList000001';

let server: PostgresServer;
let packed: PackedPackage;
let n8n: N8nServer;
let blockedFolder: string;

beforeAll(async () => {
	[server, packed] = await Promise.all([startPostgres(), packPackage()]);
	await createCrmDatabase(server, SHIPPED_DATABASE, 0.1);
	n8n = await startN8n({ databaseServer: server, tarball: packed.tarball });
	blockedFolder = mkdtempSync(join(tmpdir(), 'backup-recovery-blocked-'));
	const credentials = [{ id: 'brStoreBlocked01', name: 'Backup Store', type: 'backupStoreApi', data: { type: 'folder', path: join(blockedFolder, 'store'), prefix: '' } }];
	const workflows = [
		dumpWorkflow({ id: DUMP, database: SHIPPED_DATABASE }),
		dumpWorkflow({ id: BLOCKED, database: SHIPPED_DATABASE, storeCredential: 'brStoreBlocked01' }),
		dumpWorkflow({ id: FAILING, database: 'no such database', errorWorkflow: SHIPPED.errorAlert }),
		listWorkflow(LIST),
	];
	await installShippedWorkflows(n8n, server, { besides: { credentials, workflows } });
	await n8n.publish(FAILING);
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await server?.stop();
	if (blockedFolder !== undefined) rmSync(blockedFolder, { recursive: true });
}, 60_000);

afterEach(async () => {
	await until('every process of the package has ended', () => jobProcesses(n8n.pid).length === 0 && clientProcesses(server.port).length === 0);
	await until('every session of the package has ended', async () => (await server.sessions()).every((name) => !name.startsWith('backup-recovery')));
});

test("n8n's Stop ends a dump half way and leaves nothing behind", async () => {
	const listed = await backups();
	const id = await n8n.rest.run(DUMP, 'Start');
	const pgDump = await frozenPgDump(server.port);
	await n8n.rest.stopExecution(id);
	process.kill(pgDump, 'SIGCONT');

	expect((await n8n.rest.finished(id)).status).toBe('canceled');
	await until('pg_dump has ended', () => clientProcesses(server.port).length === 0);
	await until('nothing half-made is left in the store', () => backupFolders().length === listed.length);
	expect(await backups()).toEqual(listed);
	expect(workFolders()).toEqual([]);
}, 60_000);

test("when a job's process is killed, the node fails, nothing is listed, and the next run works", async () => {
	const listed = await backups();
	const id = await n8n.rest.run(DUMP, 'Start');
	await frozenPgDump(server.port);
	const [job, ...others] = jobProcesses(n8n.pid);
	expect(others).toEqual([]);
	process.kill(job!.pid, 'SIGKILL');

	const execution = await n8n.rest.finished(id);
	expect(execution.status).toBe('error');
	expect(execution.error?.message).toContain('ended before it was done (SIGKILL)');
	expect(execution.error?.description).toContain('earlier backups are untouched');
	await until('pg_dump has ended too', () => clientProcesses(server.port).length === 0);
	expect(await backups()).toEqual(listed);
	expect(workFolders()).toEqual([]);

	const next = await n8n.execute(DUMP, 'Start');
	expect(next.describe()).toMatch(/is "success"/);
	expect(await backups()).toHaveLength(listed.length + 1);
	expect(backupFolders()).toHaveLength(listed.length + 1);
}, 90_000);

test('of two runs at once the second fails at once and says who is at work', async () => {
	const first = await n8n.rest.run(DUMP, 'Start');
	const pgDump = await frozenPgDump(server.port);
	const second = await n8n.execute(DUMP, 'Start');
	process.kill(pgDump, 'SIGCONT');

	expect(second.status).toBe('error');
	expect(`${second.error?.message} ${second.error?.description}`).toContain(`backing up ${SHIPPED_DATABASE}`);
	expect((await n8n.rest.finished(first)).describe()).toMatch(/is "success"/);
}, 60_000);

test("a store outside the folders that n8n's policy allows is refused with the variable's name", async () => {
	mkdirSync(join(blockedFolder, 'store'));
	const execution = await n8n.execute(BLOCKED, 'Start');
	expect(execution.status).toBe('error');
	expect(execution.error?.message).toContain(blockedFolder);
	expect(execution.error?.description).toContain('N8N_RESTRICT_FILE_ACCESS_TO');
	expect(readdirSync(join(blockedFolder, 'store'))).toEqual([]);
}, 30_000);

test('a failed run fires the error workflow, whose text says what, where and what next', async () => {
	const before = (await n8n.rest.executions(SHIPPED.errorAlert)).length;
	expect((await n8n.webhook(FAILING, {})).status).toBe(200);
	await until('the error workflow has run', async () => (await n8n.rest.executions(SHIPPED.errorAlert)).length > before);

	const [newest] = await n8n.rest.executions(SHIPPED.errorAlert);
	const alert = await n8n.rest.finished(newest!.id);
	// No channel is on: nobody was told, and that is no success.
	expect(alert.describe()).toMatch(/is "error": The alert reached nobody/);
	const [{ text }] = alert.items<{ text: string }>('Notify') as [{ text: string }];
	expect(text).toContain(`FAILED: ${FAILING}`);
	expect(text).toContain('"no such database"');
	expect(text).toContain('node "Dump"');
	expect(text).not.toContain(server.password);
}, 60_000);

test('where the store is gone too, what reached nobody is told again when it comes again', async () => {
	const away = `${n8n.storeFolder}-away`;
	renameSync(n8n.storeFolder, away);
	try {
		for (const time of ['the first', 'the second']) {
			const before = (await n8n.rest.executions(SHIPPED.errorAlert)).length;
			expect((await n8n.webhook(FAILING, {})).status).toBe(200);
			await until(`the error workflow has run for ${time} time`, async () => (await n8n.rest.executions(SHIPPED.errorAlert)).length > before);
			const alert = await n8n.rest.finished((await n8n.rest.executions(SHIPPED.errorAlert))[0]!.id);
			expect(alert.nodes).toEqual(expect.arrayContaining(['Not Told Today', 'Tell It Again']));
			expect(alert.items<{ text: string }>('Notify')).toEqual([expect.objectContaining({ delivered: false, text: expect.stringContaining(`FAILED: ${FAILING}`) })]);
			expect(alert.describe()).toMatch(/is "error": The alert reached nobody/);
		}
	} finally {
		renameSync(away, n8n.storeFolder);
	}
}, 60_000);

test('when n8n itself is killed, the dump ends, and after the restart a run works', async () => {
	const listed = await backups();
	const id = await n8n.rest.run(DUMP, 'Start');
	const pgDump = await frozenPgDump(server.port);
	await n8n.kill();
	process.kill(pgDump, 'SIGCONT');
	await until('pg_dump has ended', () => clientProcesses(server.port).length === 0);

	await n8n.restart();
	await until('n8n has found out that the execution crashed', async () => (await n8n.rest.execution(id)).status === 'crashed');
	expect(await backups()).toEqual(listed);
	expect((await n8n.execute(DUMP, 'Start')).describe()).toMatch(/is "success"/);
	expect(await backups()).toHaveLength(listed.length + 1);
	// The check that n8n's start sets off may be at work at the same time.
	await until('no work folder is left', () => workFolders().length === 0);
}, 300_000);

async function backups(): Promise<string[]> {
	const execution = await n8n.execute(LIST, 'Start');
	expect(execution.describe()).toMatch(/is "success"/);
	return execution.items<{ backup?: BackupSummary }>('List').flatMap(({ backup }) => (backup === undefined ? [] : [backup.id]));
}

/** The folders of backups in the store, finished or not. */
function backupFolders(): string[] {
	try {
		return readdirSync(join(n8n.storeFolder, 'backups', 'postgres'));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}

/** The temporary folders of this n8n's jobs. */
function workFolders(): string[] {
	return readdirSync(n8n.tempFolder);
}
