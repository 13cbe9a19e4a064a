import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { escapeIdentifier } from 'pg';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { RecoveryPointSummary } from '../../lib/catalog/recovery-point-summary';
import type { CopyOutcome, CrossCheckResult, RestoreN8nResult, RestoreResult } from '../../lib/jobs/results';
import { longTest } from '../support/breadth';
import { type CrmStack, readStack, type StackContents, stackDifferences, startCrmStack } from '../support/crm-stack';
import { type DatabaseContents, differences, snapshotContents } from '../support/database-contents';
import { readTree } from '../support/file-trees';
import { FORM_LOGIN } from '../support/n8n-credentials';
import { FormVisit } from '../support/n8n-form';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import type { PostgresServer } from '../support/postgres-server';
import { clientProcesses, frozenTool } from '../support/processes';
import { newestRecovery, untilStage } from '../support/recovery-journals';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { SmtpServer } from '../support/smtp-server';
import { until } from '../support/until';
import { WebhookReceiver } from '../support/webhook-receiver';

interface Recovery {
	readonly message: string;
	readonly confirm?: string;
	readonly restore?: RestoreResult;
}

const CONFIRMATION = `RESTORE ${SHIPPED_DATABASE}`;

/** What Recovery: Full answers at its end. */
interface FullRecovery {
	readonly stages: ReadonlyArray<{ stage: string; state: string; tries: number }>;
	readonly database: { readonly largestTables: ReadonlyArray<{ table: string; rows: number; asBackedUp: boolean }> };
	readonly crossCheck: CrossCheckResult;
	readonly n8n: { readonly restore: RestoreN8nResult };
}

/** What the backup workflows say at their end. */
interface RunReport {
	readonly summary: string;
	readonly failures: string[];
	readonly backups: BackupSummary[];
	readonly verifications: Array<{ level: string; comparison: Array<{ equal: boolean; contentEqual?: boolean }> }>;
	readonly recoveryPoint: RecoveryPointSummary;
	readonly copies: CopyOutcome[];
	readonly prunes: Array<{ deleted: string[] }>;
}

interface IncrementalReport {
	readonly failures: string[];
	readonly backups: BackupSummary[];
}

let stack: CrmStack;
let server: PostgresServer;
let packed: PackedPackage;
let n8n: N8nServer;
let smtp: SmtpServer;
let slack: WebhookReceiver;
let workflows: InstalledWorkflows;
let whole: StackContents;
let before: DatabaseContents;
let after: DatabaseContents;

beforeAll(async () => {
	[stack, packed, smtp, slack] = await Promise.all([startCrmStack(0.2), packPackage(), SmtpServer.start(), WebhookReceiver.start()]);
	server = stack.server;
	n8n = await startN8n({
		tarball: packed.tarball,
		allowedFolders: [dirname(stack.folders.uploads), ...Object.values(stack.places)],
		env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' },
	});
	const recoveryFolder = join(stack.places.third, 'recovery');
	await mkdir(recoveryFolder);
	workflows = await installShippedWorkflows(n8n, stack, { recoveryFolder, channels: { slackUrl: `${slack.url}/slack`, slackToken: 'xoxb-throwaway-token', smtpPort: smtp.port, pingUrl: `${slack.url}/ping` } });
	whole = await readStack(stack);
	before = whole.database;
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await Promise.all([stack?.stop(), smtp?.stop(), slack?.stop()]);
}, 60_000);

const databases = async () => (await server.query<{ datname: string }>('SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) => datname);

describe('the whole loop, in the order in which a team lives it', () => {
	let backup: BackupSummary;

	test('Backup: Full backs up every part, proves it, and brings all of it to three places', async () => {
		const databasesBefore = await databases();
		const execution = await n8n.execute(SHIPPED.fullBackup, 'Run Now', 400_000);
		expect(execution.describe()).toMatch(/is "success" after: Run Now > Report Start > Settings > .* > Done > Next Expected > Report Success$/);

		const [report] = execution.items<RunReport>('Report');
		expect(report!.failures).toEqual([]);
		expect(report!.backups.map(({ component, kind }) => `${component} ${kind}`).sort()).toEqual(['config full', 'files full', 'logs full', 'n8n full', 'postgres full', 'postgres globals', 'redis full']);
		expect(report!.backups.every(({ verified }) => verified !== null)).toBe(true);
		backup = report!.backups.find(({ component, kind }) => component === 'postgres' && kind === 'full')!;
		expect(backup).toMatchObject({ status: 'success', source: SHIPPED_DATABASE, verified: { level: 'restore' } });
		const drill = report!.verifications.find(({ comparison }) => comparison.length > 0)!;
		expect(drill.comparison.length).toBeGreaterThan(15);
		expect(drill.comparison.every((table) => table.equal && table.contentEqual)).toBe(true);
		expect(report!.recoveryPoint).toMatchObject({ complete: true, missing: [] });
		expect(report!.recoveryPoint.members).toHaveLength(7);
		for (const place of [n8n.storeFolder, stack.places.second, stack.places.third]) {
			for (const { component, id } of report!.backups) expect(await readdir(join(place, 'backups', component, id))).toEqual(expect.arrayContaining(['RESTORE.txt', 'manifest.json']));
		}
		expect(report!.prunes.flatMap(({ deleted }) => deleted)).toEqual([]);
		expect(await databases()).toEqual(databasesBefore);
		expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
	}, 420_000);

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
		expect(alert.items<{ text: string }>('Notify')).toEqual([expect.objectContaining({ text: expect.stringContaining('FAILED: Recovery: Database') as string })]);
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
	}, 300_000);

	test('the worse accident: tables, keys and files gone, and the configuration edited', async () => {
		await server.query(`DROP TABLE deals CASCADE; DELETE FROM logs`, SHIPPED_DATABASE);
		await stack.redis.redis.flushall();
		await rm(join(stack.folders.uploads, 'contracts'), { recursive: true });
		await writeFile(join(stack.folders.uploads, 'avatars', 'João.jpg'), 'encrypted by somebody');
		await appendFile(join(stack.folders.config, '.env.local'), 'BROKEN=1\n');
		expect(stackDifferences(whole, await readStack(stack)).length).toBeGreaterThan(30);
	}, 30_000);

	test('Recovery: Full asks for its own words, and shows the plan of every part first', async () => {
		const wrecked = await readStack(stack);
		expect((await workflows.recover({ confirm: CONFIRMATION }, 'recovery-full')).status).toBe(400);
		const answer = await workflows.recover({ dryRun: true }, 'recovery-full');
		expect(answer).toMatchObject({ status: 200 });
		expect(JSON.parse(answer.body)).toMatchObject({ plans: [{}, {}, {}, {}], stages: ['fence', 'database', 'keep-redis', 'redis', 'uploads', 'configuration', 'unfence', 'cross-check', 'n8n'], open: '', toDoIt: { confirm: 'RESTORE EVERYTHING' } });
		expect(stackDifferences(wrecked, await readStack(stack))).toEqual([]);
		expect((await workflows.recover({ confirm: 'RESTORE EVERYTHING', recoveryPoint: '20200101T000000Z-set-000000' }, 'recovery-full')).status).toBe(404);
	}, 300_000);

	test('n8n is killed while Recovery: Full restores the database: the live one is the old one, and nobody can write to it', async () => {
		const databasesBefore = await databases();
		const first = workflows.recoverAsPlanned({ by: 'Ana' }).catch(() => undefined);
		await untilStage(n8n.storeFolder, 'database');
		const pgRestore = await frozenTool('pg_restore', server.port);
		await n8n.kill();
		process.kill(pgRestore, 'SIGCONT');
		await first;
		await until('pg_restore has ended', () => clientProcesses(server.port).length === 0);
		await expect(server.query('SELECT 1', SHIPPED_DATABASE)).rejects.toMatchObject({ code: '55000' });
		expect((await databases()).filter((name) => !/_restore_/.test(name))).toEqual(databasesBefore);
		await n8n.restart();
	}, 120_000);

	test('after the restart the same call goes on where it stopped, and brings everything back', async () => {
		const answer = await workflows.recoverAsPlanned({ by: 'Ana' });
		expect(answer).toMatchObject({ status: 200 });
		const done = JSON.parse(answer.body) as FullRecovery;
		expect(done).toMatchObject({ resumed: true, interruptedStage: 'database', database: { alreadyInPlace: false, secondsFenced: expect.any(Number) as number, live: expect.stringContaining('proven, and swapped in') as string } });
		expect(done.stages.map(({ stage, state, tries }) => `${stage} ${state} ${tries}`)).toEqual(
			['fence done 1', 'database done 2', 'keep-redis done 1', 'redis done 1', 'uploads done 1', 'configuration done 1', 'unfence done 1', 'cross-check done 1', 'n8n done 1'],
		);
		expect(done.database.largestTables[0]).toMatchObject({ asBackedUp: true });
		expect(done.crossCheck.rowsWithoutFiles.count).toBe(0);
		expect((await databases()).filter((name) => /_restore_/.test(name))).toEqual([]);
		expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
		expect(await readdir(done.n8n.restore.dataFolder)).toEqual(expect.arrayContaining(['config', 'database.sqlite']));
		const { config } = stack.folders;
		expect(await readFile(join(config, '.env.local'), 'utf8')).toContain('BROKEN=1');
		expect(await readFile(join(config, '.env.local.restored'), 'utf8')).not.toContain('BROKEN=1');
		expect((await readTree(config))['.env.local.restored']?.content).toBe(whole.config['.env.local']?.content);
		await until('the team was told of the end', () => smtp.mails.some(({ subject }) => subject === 'PROGRESS: Recovery: Full: it is done'));
		expect(smtp.mails.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['PROGRESS: Recovery: Full: fence', 'PROGRESS: Recovery: Full: database', 'PROGRESS: Recovery: Full: unfence']));
	}, 400_000);

	test.each([
		['another confirmation', ['Uploads', '', '', 'Ana'], 'RESTORE CONFIGURATION', 'This is what would be done', 'Nothing was changed'],
		['a backup that there is not', ['Uploads', '', '20200101T000000Z-full-000000', 'Ana'], undefined, 'There is no such backup', ''],
	])('Recovery: Files: %s changes nothing and says why', async (_name, form, typed, first, second) => {
		const unchanged = await readStack(stack);
		const visit = await FormVisit.begin(n8n.url, 'recovery-files', form, FORM_LOGIN);
		expect(await visit.page()).toContain(first);
		if (typed !== undefined) {
			await visit.submit(['', typed]);
			expect(await visit.page()).toContain(second);
		}
		expect(stackDifferences(unchanged, await readStack(stack))).toEqual([]);
	}, 60_000);

	test('Recovery: Files brings chosen uploads back, and the configuration beside the live one only after a yes', async () => {
		const { uploads, config } = stack.folders;
		await rm(join(uploads, 'contracts'), { recursive: true });
		await rm(join(uploads, 'avatars', 'João.jpg'));
		const files = await FormVisit.begin(n8n.url, 'recovery-files', ['Uploads', 'contracts/**', '', 'Ana: <b>deleted</b>'], FORM_LOGIN);
		expect(await files.page()).toMatch(/[1-9]\d* files to be made, 0 to be replaced/);
		await files.submit(['', 'RESTORE UPLOADS']);
		expect(await files.page()).toContain('The files are back');
		expect(Object.keys(await readTree(join(uploads, 'contracts'))).length).toBeGreaterThan(1);
		expect(await readdir(join(uploads, 'avatars'))).not.toContain('João.jpg');

		await rm(join(config, '.env.local.restored'));
		const configuration = await FormVisit.begin(n8n.url, 'recovery-files', ['Configuration', '', '', 'Ana'], FORM_LOGIN);
		await configuration.page();
		expect(await readdir(config)).not.toContain('.env.local.restored');
		await configuration.submit(['', 'RESTORE CONFIGURATION']);
		expect(await configuration.page()).toContain('ending in .restored');
		expect((await readTree(config))['.env.local.restored']?.content).toBe(whole.config['.env.local']?.content);
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Recovery: Files (config)', state: 'succeeded', by: 'Ana', decisions: [{ answer: 'RESTORE CONFIGURATION' }] });

		const rest = await FormVisit.begin(n8n.url, 'recovery-files', ['Uploads', '', '', 'Ana'], FORM_LOGIN);
		await rest.page();
		await rest.submit(['', 'RESTORE UPLOADS']);
		expect(await rest.page()).toContain('1 files were made');
		expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
		const n8nData = await FormVisit.begin(n8n.url, 'recovery-files', ['n8n data', '', '', 'Ana'], FORM_LOGIN);
		await n8nData.page();
		await n8nData.submit(['', 'RESTORE N8N DATA']);
		expect(await n8nData.page()).toContain('The running n8n is untouched');
	}, 120_000);

	test.each([
		['Backup: Daily', SHIPPED.dailyBackup, ['config full', 'files incremental', 'logs full', 'n8n full', 'postgres full', 'postgres globals', 'redis full']],
		['Backup: Configuration', SHIPPED.configurationBackup, ['config full']],
	])('%s does its part, in two places', async (_name, id, expected) => {
		const execution = await n8n.execute(id, 'Run Now', 300_000);
		expect(execution.describe()).toMatch(/ > Done > Next Expected > Report Success$/);
		const [report] = execution.items<RunReport>('Report');
		expect(report!.failures).toEqual([]);
		expect(report!.backups.map(({ component, kind }) => `${component} ${kind}`).sort()).toEqual(expected);
		for (const { component, id: made } of report!.backups) expect(await readdir(join(stack.places.second, 'backups', component, made))).toContain('manifest.json');
	}, 300_000);

	const checklist = async () => {
		const execution = await n8n.execute(SHIPPED.weeklyChecklist, 'Run Now', 120_000);
		const [{ points } = { points: [] }] = execution.items<{ points: { point: string; passed: boolean; evidence: string[] }[] }>('Checklist');
		return { execution, points, failed: points.filter(({ passed }) => !passed) };
	};

	test('Backup: Weekly Checklist goes through its seven points, each with evidence, and tells people the result', async () => {
		const { execution, points, failed } = await checklist();
		expect(failed).toEqual([]);
		expect(execution.describe()).toMatch(/is "success" after: .* > Report Success$/);
		expect(points.map(({ point }) => point)).toEqual(['Automatic runs', 'Backups intact', 'Rotation', 'Copies elsewhere', 'Restore of a recent backup', 'Errors of the week', 'Alerts are delivered']);
		for (const { evidence } of points) expect(evidence.join(' ').length).toBeGreaterThan(20);
		expect(points[4]!.evidence).toEqual([expect.stringMatching(/^postgres .*20 of 20 tables are equal to the proof/), expect.stringMatching(/^files /)]);
		expect(smtp.mails.at(-1)?.subject).toBe('PROGRESS: Weekly checklist: 6 of 6 points passed');
	}, 120_000);

	longTest('it finds a copy that rotted', async () => {
		const store = join(stack.places.second, 'backups', 'redis');
		const newest = (await readdir(store)).sort().at(-1)!;
		const artifact = (await readdir(join(store, newest))).find((name) => name.startsWith('dump.rdb'))!;
		const file = join(store, newest, artifact);
		const sound = await readFile(file);
		await writeFile(file, Buffer.concat([sound.subarray(0, -1), Buffer.of(sound.at(-1)! ^ 1)]));
		try {
			const { execution, failed } = await checklist();
			expect(execution.describe()).toMatch(/is "error"/);
			expect(failed).toEqual([{ point: 'Copies elsewhere', passed: false, evidence: expect.arrayContaining([expect.stringContaining(newest)]) }]);
			expect(execution.error?.message).toContain('Copies elsewhere');
		} finally {
			await writeFile(file, sound);
		}
	}, 120_000);

	test('Recovery: Full passes over recovery points without a database, however new they are', async () => {
		const answer = await workflows.recover({ dryRun: true }, 'recovery-full');
		expect(answer).toMatchObject({ status: 200 });
		expect((JSON.parse(answer.body) as { plans: string[][] }).plans).toHaveLength(4);
	}, 300_000);

	test('Backup: Incremental brings WAL, changed uploads, changed rows and a dump to two places, and says that nothing is missing in between', async () => {
		expect((await n8n.execute(SHIPPED.continuous, 'Take Base Backup Now', 120_000)).describe()).toMatch(/success/);
		await server.query(`UPDATE user_sessions SET updated_at = now() WHERE token IN (SELECT token FROM user_sessions LIMIT 3)`, SHIPPED_DATABASE);
		await writeFile(join(stack.folders.uploads, 'newer.txt'), 'uploaded since');
		const execution = await n8n.execute(SHIPPED.incrementalBackup, 'Run Now', 300_000);
		const [report] = execution.items<IncrementalReport>('Report');
		expect(report!.failures).toEqual([]);
		expect(execution.describe()).toMatch(/is "success" after: Run Now > Report Start > Settings > .* > Done > Next Expected > Report Success$/);
		const kinds = report!.backups.map(({ component, kind }) => `${component} ${kind}`).sort();
		expect(kinds).toEqual(['files incremental', 'postgres extract', 'postgres full']);
		const [archived] = execution.items<{ wal: { segments: number; gaps: string[] } }>('Archive WAL');
		expect(archived!.wal).toMatchObject({ gaps: [] });
		expect(archived!.wal.segments).toBeGreaterThan(0);
		for (const place of [n8n.storeFolder, stack.places.second]) {
			for (const { component, id } of report!.backups) expect(await readdir(join(place, 'backups', component, id))).toContain('manifest.json');
			const [system = ''] = await readdir(join(place, 'wal'));
			expect((await readdir(join(place, 'wal', system, '00000001'))).filter((name) => /^[0-9A-F]{24}\.json$/.test(name)).length).toBeGreaterThanOrEqual(archived!.wal.segments);
		}
	}, 420_000);

	test('a part that fails stops no other part; the run then fails and names every error', async () => {
		await stack.redis.kill();
		await rm(stack.folders.logs, { recursive: true });
		const execution = await n8n.execute(SHIPPED.fullBackup, 'Run Now', 400_000);
		expect(execution.status).toBe('error');
		const message = execution.error?.message ?? '';
		expect(message).toMatch(/^\[Back Up Redis, Back Up Logs\] failed\./);
		expect(message).toContain('Back Up Redis:');
		expect(message).toContain('Back Up Logs:');
		const [report] = execution.items<RunReport>('Report');
		expect(report!.backups.map(({ component, kind }) => `${component} ${kind}`).sort()).toEqual(['config full', 'files full', 'n8n full', 'postgres full', 'postgres globals']);
		expect(report!.recoveryPoint).toMatchObject({ complete: false });
		expect(report!.recoveryPoint.missing.map(({ component }) => component).sort()).toEqual(['logs', 'redis']);
	}, 420_000);

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
