import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dumpDatabase } from '../../lib/postgres/dump-database';
import { openStore } from '../../lib/storage/open-store';
import { serverClock } from '../support/archived-server';
import { createCrmDatabase } from '../support/crm-database';
import { type CrmStack, readStack, type StackContents, stackDifferences, startCrmStack } from '../support/crm-stack';
import { readTree, treeDifferences } from '../support/file-trees';
import { testContext } from '../support/job-context';
import { FORM_LOGIN } from '../support/n8n-credentials';
import { FormVisit } from '../support/n8n-form';
import { type N8nServer, startN8n } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { clientProcesses, frozenTool, jobProcesses, runningProcesses } from '../support/processes';
import { newestRecovery, untilStage } from '../support/recovery-journals';
import { type InstalledWorkflows, installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

jest.setTimeout(400_000);

/** Whoever fills in a form while n8n dies sees no page any more. */
const lost = (work: Promise<unknown>) => work.catch(() => undefined);

let packed: PackedPackage;
beforeAll(async () => (packed = await packPackage()), 120_000);
afterAll(async () => await packed?.remove());

describe('files', () => {
	let stack: CrmStack;
	let n8n: N8nServer;
	let whole: StackContents;
	let recoveryFolder: string;

	beforeAll(async () => {
		stack = await startCrmStack(0.2);
		// Enough to be killed in the middle of.
		for (let n = 0; n < 3000; n++) await writeFile(join(stack.folders.uploads, `scan ${n}.txt`), `${n} `.repeat(2000));
		n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [dirname(stack.folders.uploads), ...Object.values(stack.places)], env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
		recoveryFolder = join(stack.places.third, 'recovery');
		await mkdir(recoveryFolder);
		await installShippedWorkflows(n8n, stack, { recoveryFolder });
		whole = await readStack(stack);
		expect((await n8n.execute(SHIPPED.fullBackup, 'Run Now', 400_000)).describe()).toMatch(/is "success"/);
	}, 400_000);
	afterAll(async () => {
		await n8n?.stop();
		await stack?.stop();
	}, 60_000);

	test.each([0, 150, 400, 800, 1500])('Recovery: Files, n8n killed %i ms after the files began to come back: each is the old one or the proven one, and it is gone on with', async (delay) => {
		const { uploads } = stack.folders;
		for (const name of await readdir(uploads)) if (/^scan \d*[02468]\.txt$/.test(name)) await rm(join(uploads, name));
		for (const name of await readdir(uploads)) if (/^scan \d*5\.txt$/.test(name)) await writeFile(join(uploads, name), 'overwritten');
		const wrecked = await readTree(uploads);
		const restore = async () => {
			const visit = await FormVisit.begin(n8n.url, 'recovery-files', ['Uploads', '', '', 'Ana'], FORM_LOGIN);
			await visit.page();
			await visit.submit(['', 'RESTORE UPLOADS']);
			return await visit.page();
		};
		const first = lost(restore());
		await untilStage(n8n.storeFolder, 'files', 10);
		await sleep(delay);
		await n8n.kill();
		await first;
		await until('its job has ended', () => runningProcesses().every(({ command }) => !command.some((part) => part.startsWith(dirname(n8n.storeFolder)) && part.endsWith('/jobs/worker.js'))));
		const between = await readTree(uploads);
		for (const [name, entry] of Object.entries(whole.uploads)) {
			const now = between[name];
			if (now === undefined) expect(wrecked[name]).toBeUndefined();
			else expect([wrecked[name]?.content, entry.content]).toContainEqual(now.content);
		}
		await n8n.restart();
		expect(await restore()).toContain('The files are back');
		expect(treeDifferences(whole.uploads, Object.fromEntries(Object.entries(await readTree(uploads)).filter(([name]) => name in whole.uploads)))).toEqual([]);
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ state: 'succeeded', by: 'Ana' });
		for (const name of await readdir(uploads)) if (!(name in whole.uploads) && name.startsWith('.')) await rm(join(uploads, name), { recursive: true });
	});

	/** Begins the form, types the words, and yields the page that follows. */
	const fill = async (what: string, patterns: string, words: string, open = '') => {
		const visit = await FormVisit.begin(n8n.url, 'recovery-files', [what, patterns, '', 'Ana', open], FORM_LOGIN);
		const page = await visit.page();
		if (words === '') return page;
		await visit.submit(['', words]);
		return await visit.page();
	};
	const killedIn = async (stage: string, going: Promise<unknown>) => {
		await untilStage(n8n.storeFolder, stage, 10);
		await n8n.kill();
		await lost(going);
		await until('its job has ended', () => runningProcesses().every(({ command }) => !command.some((part) => part.startsWith(dirname(n8n.storeFolder)) && part.endsWith('/jobs/worker.js'))));
		await n8n.restart();
	};

	test('Recovery: Files, n8n killed while the configuration is put beside: the live one is untouched, and only the same request goes on', async () => {
		const { config } = stack.folders;
		const live = async () => Object.fromEntries(Object.entries(await readTree(config)).filter(([name]) => !name.endsWith('.restored')));
		const before = await live();
		await killedIn('config', fill('Configuration', '', 'RESTORE CONFIGURATION'));
		expect(treeDifferences(before, await live()).filter((line) => !line.startsWith('""'))).toEqual([]);
		const other = await fill('Configuration', '.env*', 'RESTORE CONFIGURATION');
		expect(other).toContain('was asked for something else');
		expect(other).toContain('patterns was [] and is now');
		expect(await fill('Configuration', '', 'RESTORE CONFIGURATION')).toContain('ending in .restored');
		const after = await readTree(config);
		for (const [name, { content }] of Object.entries(whole.config)) if (content !== undefined) expect(after[`${name}.restored`]?.content).toEqual(content);
		expect(treeDifferences(before, await live()).filter((line) => !line.startsWith('""'))).toEqual([]);
	});

	test('Recovery: Files, n8n killed while its own data come back: given up, it begins anew; gone on with, they are whole', async () => {
		await killedIn('n8n', fill('n8n data', '', 'RESTORE N8N DATA'));
		expect(await fill('n8n data', '', '', 'Give it up')).toContain('is given up');
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Recovery: Files (n8n)', state: 'abandoned' });
		expect(await fill('n8n data', '', '', 'Give it up')).toContain('There is none that has not ended');
		await killedIn('n8n', fill('n8n data', '', 'RESTORE N8N DATA'));
		expect(await fill('n8n data', '', 'RESTORE N8N DATA')).toContain('data of then lies in');
		const [folder = ''] = (await readdir(recoveryFolder)).filter((name) => name.startsWith('n8n-of-'));
		expect(await readdir(join(recoveryFolder, folder))).toEqual(expect.arrayContaining(['config', 'database.sqlite']));
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ state: 'succeeded', attempts: 2 });
	});

	test.each([['uploads', 0], ['uploads', 700], ['database', 0]] as const)('Scenario: Ransomware, n8n killed in the stage %s after %i ms: nothing live was touched, and it goes on there', async (stage, delay) => {
		const before = await readStack(stack);
		const [point] = (await readdir(join(n8n.storeFolder, 'sets'))).sort();
		const visit = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['Files end in .locked', 'Ana'], FORM_LOGIN);
		await visit.page();
		await visit.submit(['', point!, 'RESTORE BESIDE']);
		await untilStage(n8n.storeFolder, stage, 10);
		await sleep(delay);
		await n8n.kill();
		await until('its programs have ended', () => clientProcesses(stack.server.port).length === 0);
		expect(stackDifferences(before, await readStack(stack))).toEqual([]);
		await n8n.restart();
		const again = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['again', 'Ana'], FORM_LOGIN);
		void again;
		await until('it is over', async () => (await newestRecovery(n8n.storeFolder))?.state === 'succeeded', 120);
		const recovery = (await newestRecovery(n8n.storeFolder))!;
		expect(recovery.stages.find((one) => one.stage === stage)).toMatchObject({ state: 'done' });
		expect(recovery.stages.find((one) => one.stage === 'decide')).toMatchObject({ state: 'done', tries: 1 });
		expect(stackDifferences(before, await readStack(stack))).toEqual([]);
		const clean = (await stack.server.query<{ name: string }>(`SELECT datname AS name FROM pg_database WHERE datname LIKE '%clean%'`)).map(({ name }) => name);
		expect(clean).toHaveLength(1);
		for (const name of clean) await stack.server.query(`DROP DATABASE "${name}"`);
		await rm(join(n8n.storeFolder, 'status', 'retention-hold.json'));
	});
});

describe('a database whose rows were wrecked', () => {
	let server: PostgresServer;
	let n8n: N8nServer;
	let recoveryFolder: string;
	let installed: InstalledWorkflows;
	const contacts = async () => await server.query('SELECT id, email, name FROM contacts ORDER BY id', SHIPPED_DATABASE);
	const question = "SELECT count(*) > 5 FROM contacts WHERE email LIKE '%@bad.example';";
	let well: string;
	let before: object[];
	let wrecked: object[];

	beforeAll(async () => {
		server = await startPostgres();
		recoveryFolder = await mkdtemp(join(tmpdir(), 'recovery-'));
		await chmod(recoveryFolder, 0o755);
		await createCrmDatabase(server, SHIPPED_DATABASE, 0.05);
		n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [recoveryFolder] });
		installed = await installShippedWorkflows(n8n, server, { recoveryFolder });
		await server.query('CREATE TABLE ticks (n serial)', SHIPPED_DATABASE);
		await n8n.publish(SHIPPED.continuous);
		expect((await n8n.execute(SHIPPED.continuous, 'Take Base Backup Now', 120_000)).describe()).toMatch(/success/);
	}, 400_000);
	afterAll(async () => {
		await n8n?.stop();
		await server?.stop();
		if (recoveryFolder) await rm(recoveryFolder, { recursive: true, force: true });
	}, 60_000);

	beforeEach(async () => {
		await sleep(1_000);
		well = await serverClock(server);
		before = await contacts();
		for (let n = 0; n < 20; n++) await server.query('INSERT INTO ticks DEFAULT VALUES', SHIPPED_DATABASE);
		await server.query("UPDATE contacts SET email = 'x' || id || '@bad.example' WHERE id % 2 = 0", SHIPPED_DATABASE);
		for (let n = 0; n < 20; n++) await server.query('INSERT INTO ticks DEFAULT VALUES', SHIPPED_DATABASE);
		wrecked = await contacts();
		await sleep(5_000);
	});

	const halfRestored = async () => (await server.query<{ name: string }>('SELECT datname AS name FROM pg_database')).filter(({ name }) => /_restore_/.test(name));
	const search = async () => {
		const visit = await FormVisit.begin(n8n.url, 'scenario-data-corruption', [question, well, 'No: it may go on', 'a bad UPDATE', `SEARCH ${SHIPPED_DATABASE}`], FORM_LOGIN);
		await visit.page(240_000);
		return visit;
	};

	test('killed while the patch is applied: all of the rows or none, and the same form brings them back', async () => {
		const visit = await search();
		// A lock of somebody's holds the patch up in the middle.
		const blocker = server.query('BEGIN; LOCK TABLE contacts IN SHARE MODE; SELECT pg_sleep(8); COMMIT', SHIPPED_DATABASE);
		await sleep(300);
		const answered = lost(visit.submit(['', 'Apply the patch: only the wrecked rows come back', SHIPPED_DATABASE]));
		await until('the patch waits', async () => (await server.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'backup-recovery%'`)).length > 0, 60, 20);
		await n8n.kill();
		await answered;
		await blocker;
		await until('its sessions have ended', async () => (await server.sessions()).filter((name) => name.startsWith('backup-recovery')).length === 0, 60);
		expect(await contacts()).toEqual(wrecked);
		await n8n.restart();
		const again = await search();
		await again.submit(['', 'Apply the patch: only the wrecked rows come back', SHIPPED_DATABASE]);
		expect(await again.page(120_000)).toContain('The damage is gone');
		expect(await contacts()).toEqual(before);
	});

	test('killed while the database is replaced: the old one is live, and the same form replaces it', async () => {
		const visit = await search();
		const answered = lost(visit.submit(['', 'Replace the database: everything since is lost', SHIPPED_DATABASE]));
		const pgRestore = await frozenTool('pg_restore', server.port);
		await n8n.kill();
		process.kill(pgRestore, 'SIGCONT');
		await answered;
		await until('pg_restore has ended', () => clientProcesses(server.port).length === 0 && jobProcesses(n8n.pid).length === 0);
		expect(await contacts()).toEqual(wrecked);
		await n8n.restart();
		const again = await search();
		await again.submit(['', 'Replace the database: everything since is lost', SHIPPED_DATABASE]);
		expect(await again.page(180_000)).toContain('The damage is gone');
		expect(await contacts()).toEqual(before);
		expect(await halfRestored()).toEqual([]);
	});

	test('Recovery: Point in Time, killed while the database is replaced: the old one is live, and the same form replaces it', async () => {
		const recover = async () => {
			const visit = await FormVisit.begin(n8n.url, 'recovery-point-in-time', [well, 'a bad UPDATE', `RECOVER ${SHIPPED_DATABASE}`], FORM_LOGIN);
			await visit.page(240_000);
			return visit;
		};
		const visit = await recover();
		const answered = lost(visit.submit(['', 'Replace the live database', SHIPPED_DATABASE]));
		const pgRestore = await frozenTool('pg_restore', server.port);
		await n8n.kill();
		process.kill(pgRestore, 'SIGCONT');
		await answered;
		await until('pg_restore has ended', () => clientProcesses(server.port).length === 0 && jobProcesses(n8n.pid).length === 0);
		expect(await contacts()).toEqual(wrecked);
		await n8n.restart();
		const again = await recover();
		await again.submit(['', 'Replace the live database', SHIPPED_DATABASE]);
		expect(await again.page(180_000)).toContain('The live database was replaced');
		expect(await contacts()).toEqual(before);
		expect(await halfRestored()).toEqual([]);
		// The journal that the dead run left open was gone on with, and is closed.
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Recovery: Point in Time', state: 'succeeded', attempts: 2 });
	});

	test('Recovery: Database, killed while it restores beside: the old one is live, and the same call brings the dump back', async () => {
		const context = await testContext();
		const store = openStore({ type: 'folder', path: n8n.storeFolder, prefix: '' }, context);
		const dump = await dumpDatabase({ connection: server.connection, database: SHIPPED_DATABASE, format: 'custom', parallelJobs: 1, fingerprint: true, compressionLevel: 1, lockWaitSeconds: 5, note: '', safety: false, includeSchemas: [], excludeSchemas: [], includeTables: [], excludeTables: [] }, store, context);
		await context.remove();
		await server.query('DELETE FROM contacts WHERE id % 3 = 0', SHIPPED_DATABASE);
		const damaged = await contacts();
		const recover = async () => await installed.recover({ confirm: `RESTORE ${SHIPPED_DATABASE}`, backup: dump.id });
		const first = lost(recover());
		const pgRestore = await frozenTool('pg_restore', server.port);
		await n8n.kill();
		process.kill(pgRestore, 'SIGCONT');
		await first;
		await until('pg_restore has ended', () => clientProcesses(server.port).length === 0 && jobProcesses(n8n.pid).length === 0);
		expect(await contacts()).toEqual(damaged);
		await n8n.restart();
		const answer = await recover();
		expect(answer).toMatchObject({ status: 200, body: expect.stringContaining(`now holds backup ${dump.id}`) as string });
		expect(await contacts()).toEqual(wrecked);
		expect(await halfRestored()).toEqual([]);
	});
});
