import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { KitResult } from '../../../lib/jobs/results';
import { type AgePair, newAgePair, stockAge } from '../../support/age';
import { longTest } from '../../support/breadth';
import { type CrmStack, readStack, type StackContents, startCrmStack } from '../../support/crm-stack';
import { differences, snapshotContents } from '../../support/database-contents';
import { readTree, treeDifferences } from '../../support/file-trees';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { type RedisServer, startRedis } from '../../support/redis-server';
import { contentsOf, makeSmallN8n } from '../../support/small-n8n';
import { until } from '../../support/until';

const run = promisify(execFile);
const commandLine = join(__dirname, '../../../dist/cli/backup-recovery.js');
const singleFile = join(__dirname, '../../../dist/break-glass/backup-recovery.cjs');
jest.setTimeout(120_000);

let root: string;
let store: string;
let pair: AgePair;
let before: StackContents & { readonly n8n: Record<string, unknown[]> };
let point: string;
let server: PostgresServer;
let redis: RedisServer;

/** What is left after the loss: the store and the key. */
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-loss-'));
	store = join(root, 'store');
	await mkdir(store);
	pair = await newAgePair();
	const stack = await startCrmStack(0.02);
	const n8nFolder = join(root, 'old-n8n');
	const { database } = makeSmallN8n(n8nFolder);
	try {
		let newest = '';
		for (const job of backupsOf(stack, n8nFolder)) newest = ((await runJobFile(job)).backup as { id: string }).id;
		const recorded = await runJobFile({ kind: 'recovery.record', store: place(), since: '2020-01-01T00:00:00Z', expected: ['postgres', 'redis', 'files', 'config', 'n8n'], failWhenIncomplete: true, name: 'before the fire' });
		point = (recorded.recoveryPoint as { id: string }).id;
		// A daily run makes a newer recovery point, without a database: it must not be chosen.
		await runJobFile({ kind: 'recovery.record', store: place(), members: [{ component: 'n8n', id: newest }], name: 'of the day' });
		before = { ...(await readStack(stack)), n8n: contentsOf(database, EXECUTIONS) };
	} finally {
		await stack.stop();
		await rm(n8nFolder, { recursive: true, force: true });
	}
	[server, redis] = await Promise.all([startPostgres(), startRedis({ password: 'redis-of-the-new-server' })]);
}, 120_000);
afterAll(async () => {
	await Promise.all([server?.stop(), redis?.stop()]);
	await rm(root, { recursive: true, force: true });
});

/** Not in a backup unless asked for. */
const EXECUTIONS = ['execution_entity', 'execution_data', 'chat_hub_messages', 'something_of_an_execution', 'sqlite_sequence', '(schema)'];
const place = () => ({ type: 'folder', path: store });

function backupsOf({ server: old, redis: oldRedis, folders }: CrmStack, n8nFolder: string): object[] {
	const common = { store: place(), encryption: { to: 'recipients', recipients: [pair.recipient] } };
	const connection = { host: old.host, port: old.port, user: old.user, password: old.password };
	return [
		{ kind: 'postgres.dumpGlobals', ...common, connection },
		{ kind: 'postgres.dumpDatabase', ...common, connection, database: 'crm_dashboard', fingerprint: true },
		{ kind: 'redis.snapshot', ...common, connection: oldRedis.connection, name: 'sessions' },
		{ kind: 'files.archive', ...common, component: 'files', folder: folders.uploads, label: 'uploads' },
		{ kind: 'files.archive', ...common, component: 'config', folder: folders.config, label: 'configuration' },
		{ kind: 'n8n.backup', ...common, dataFolder: n8nFolder, database: { type: 'sqlite', file: join(n8nFolder, 'database.sqlite') } },
	];
}

async function runJobFile(job: object): Promise<Record<string, unknown>> {
	const file = join(root, 'job.json');
	await writeFile(file, JSON.stringify(job), { mode: 0o600 });
	return JSON.parse((await run(process.execPath, [commandLine, 'run', file], { maxBuffer: 1 << 24 })).stdout) as Record<string, unknown>;
}

/** An empty folder with the single file and the key. */
async function emptyFolder(name: string): Promise<string> {
	const folder = join(root, name);
	await mkdir(folder);
	await copyFile(singleFile, join(folder, 'backup-recovery.cjs'));
	await writeFile(join(folder, 'identity.txt'), `${pair.identity}\n`, { mode: 0o600 });
	return folder;
}

const environment = (folder: string) => ({ PATH: process.env.PATH, HOME: folder, NEW_DB_PASSWORD: server.password, NEW_REDIS_PASSWORD: redis.password });
const restoreAll = (...more: string[]) => ['backup-recovery.cjs', 'restore-all', '--store', store, '--identity-file', 'identity.txt', ...more];
const command = async (folder: string, ...more: string[]) => await run(process.execPath, restoreAll(...more), { cwd: folder, env: environment(folder), maxBuffer: 1 << 24 });

async function writeTargets(folder: string, changes: Record<string, unknown> = {}): Promise<void> {
	const targets = {
		postgres: { connection: { host: server.host, port: server.port, user: server.user, password: { fromEnvironment: 'NEW_DB_PASSWORD' } } },
		redis: [{ source: 'sessions', connection: { deployment: { mode: 'standalone', host: redis.host, port: redis.port }, password: { fromEnvironment: 'NEW_REDIS_PASSWORD' } } }],
		files: [{ source: 'uploads', folder: join(folder, 'uploads') }],
		config: [{ source: 'configuration', folder: join(folder, 'config') }],
		n8n: [{ source: 'n8n', dataFolder: join(folder, '.n8n') }],
		...changes,
	};
	await writeFile(join(folder, 'targets.json'), JSON.stringify(targets));
}

async function expectEverything(folder: string): Promise<void> {
	expect(differences(before.database, await snapshotContents(server, 'crm_dashboard'))).toEqual([]);
	expect(await redis.digest()).toBe(before.redis);
	expect(treeDifferences(before.uploads, await readTree(join(folder, 'uploads'))).filter((path) => path !== '')).toEqual([]);
	expect(treeDifferences(before.config, await readTree(join(folder, 'config'))).filter((path) => path !== '')).toEqual([]);
	expect(contentsOf(join(folder, '.n8n', 'database.sqlite'), EXECUTIONS)).toEqual(before.n8n);
	expect(JSON.parse(await readFile(join(folder, '.n8n', 'config'), 'utf8'))).toMatchObject({ encryptionKey: 'the-key-of-this-n8n' });
	expect(await server.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'crm_%' ORDER BY 1`)).toHaveLength(3);
}

async function forget(): Promise<void> {
	await server.query('DROP DATABASE IF EXISTS crm_dashboard');
	await redis.redis.flushall();
}

test('an empty folder, Node, the store and the key: everything is back', async () => {
	const folder = await emptyFolder('new-server');
	const example = JSON.parse((await command(folder, '--example', '--point', point)).stdout) as Record<string, unknown>;
	expect(example).toMatchObject({ postgres: { databases: { crm_dashboard: 'crm_dashboard' } }, redis: [{ source: 'sessions' }], files: [{ source: 'uploads' }], config: [{ source: 'configuration' }], n8n: [{ source: 'n8n' }] });

	await writeTargets(folder, { config: [] });
	await expect(command(folder, '--targets', 'targets.json')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('config/configuration has no place') });
	await writeTargets(folder);
	const planned = (await command(folder, '--targets', 'targets.json')).stdout;
	expect(planned).toContain('Nothing was changed');
	expect(planned).toContain(`--confirm ${point}`);
	await expect(command(folder, '--targets', 'targets.json', '--confirm', 'yes')).rejects.toMatchObject({ stderr: expect.stringContaining('NOT_CONFIRMED') });
	await redis.redis.set('somebody', 'lives here');
	await expect(command(folder, '--targets', 'targets.json', '--confirm', point)).rejects.toMatchObject({ stderr: expect.stringContaining('holds 1 keys') });
	await redis.redis.flushall();
	expect(await server.query(`SELECT 1 FROM pg_database WHERE datname = 'crm_dashboard'`)).toEqual([]);

	const done = (await command(folder, '--targets', 'targets.json', '--confirm', point)).stdout;
	expect(done).toMatch(new RegExp(`Everything of ${point} is restored, [\\d.]+ seconds`));
	await expectEverything(folder);
	await forget();
});

test('older data is not taken in silence: a newer point that is not whole must be named, and one that came since the plan is told', async () => {
	const folder = await emptyFolder('after-bad-nights');
	await writeTargets(folder);
	const manifest = JSON.parse(await readFile(join(store, 'sets', point, 'manifest.json'), 'utf8')) as { members: { component: string; kind: string; backup: string }[] };
	const member = (component: string, kind = 'full') => ({ component, id: manifest.members.find((one) => one.component === component && one.kind === kind)!.backup });
	const members = [member('postgres'), member('postgres', 'globals'), member('redis'), member('files'), member('config'), member('n8n')];
	const failures = [{ component: 'redis', what: 'Back Up Redis', message: 'It did not answer.' }];
	const record = async (job: object) => ((await runJobFile({ kind: 'recovery.record', store: place(), ...job })).recoveryPoint as { id: string }).id;
	const incomplete = await record({ members: members.filter(({ component }) => component !== 'redis'), failures, name: 'a bad night' });
	await expect(command(folder, '--targets', 'targets.json')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`${point} of .* newest complete one.*A newer one was passed over: ${incomplete} of .*Back Up Redis failed: It did not answer`)) });
	const planned = (await command(folder, '--targets', 'targets.json', '--point', point)).stdout;
	expect(planned).toContain(`was named. A newer one was passed over: ${incomplete}`);
	await expect(command(folder, '--targets', 'targets.json', '--point', incomplete)).rejects.toMatchObject({ stderr: expect.stringContaining('holds no redis/sessions') });

	// Another source of uploads since the targets were written: every newer point does not fit them, and is not passed over for that.
	const uploads = JSON.parse(await readFile(join(store, 'backups', 'files', member('files').id, 'manifest.json'), 'utf8')) as object;
	expect(uploads).toMatchObject({ source: { name: 'uploads' } });
	await writeTargets(folder, { files: [{ source: 'photos', folder: join(folder, 'photos') }] });
	const newest = await record({ members, name: 'a good night' });
	await expect(command(folder, '--targets', 'targets.json')).rejects.toMatchObject({ stderr: expect.stringContaining(`${newest} cannot be restored with these targets: files/uploads has no place`) });
	await writeTargets(folder);
	// What was typed is the plan that was seen.
	const confirmed = await command(folder, '--targets', 'targets.json', '--confirm', point);
	expect(confirmed.stdout).toContain(`Everything of ${point} is restored`);
	expect(confirmed.stdout).toContain(`2 newer ones were passed over: ${newest}`);
	await forget();
	for (const id of [incomplete, newest]) await rm(join(store, 'sets', id), { recursive: true });
});

test('a recovery that nobody goes on with is given up by its ID, and by nobody else\'s', async () => {
	const begun = (await runJobFile({ kind: 'recovery.begin', store: place(), name: 'Recovery: Full', stages: ['fence', 'database'], asked: { recoveryPoint: point }, by: 'Ana' })).recovery as { id: string; run: string };
	await runJobFile({ kind: 'recovery.next', store: place(), recovery: begun.id, run: begun.run, report: { outcome: 'done' } });
	const giveUp = async (...more: string[]) => await run(process.execPath, [commandLine, 'recoveries', '--store', store, '--give-up', ...more]);
	await expect(giveUp('20200101T000000Z-recovery-aaaaaa')).rejects.toMatchObject({ stderr: expect.stringContaining(`${begun.id} (Recovery: Full)`) });
	const { stdout } = await giveUp(begun.id, '--by', 'Bea', '--take-over');
	expect(stdout).toContain('ABANDONED');
	expect(stdout).toContain('Given up by Bea on the command line');
	expect(stdout).toContain('clients stay out until you type "backup-recovery unfence"');
	await expect(giveUp(begun.id)).rejects.toMatchObject({ stderr: expect.stringContaining('There is none at all') });
});

longTest('killed with its job in the middle of several stages, the same command goes on', async () => {
	const folder = await emptyFolder('unlucky-server');
	await writeTargets(folder);
	for (const name of ['postgres/crm_dashboard', 'files/uploads']) {
		const child = spawn(process.execPath, restoreAll('--targets', 'targets.json', '--confirm', point), { cwd: folder, env: environment(folder), stdio: 'ignore' });
		await until(`${name} begins`, async () => (await stateOf(folder, name)) !== 'waiting');
		await new Promise((resolve) => setTimeout(resolve, 150));
		await killWithJob(child);
	}
	await command(folder, '--targets', 'targets.json', '--confirm', point);
	await expectEverything(folder);
	expect((await command(folder, '--targets', 'targets.json')).stdout).toContain('done: ');
});

async function stateOf(folder: string, name: string): Promise<string> {
	const text = await readFile(join(folder, `restore-all-${point}.json`), 'utf8').catch(() => '{"stages":[]}');
	const { stages } = JSON.parse(text) as { stages: { name: string; state: string }[] };
	return stages.find((stage) => stage.name === name)?.state ?? 'waiting';
}

/** As a power cut does: nobody gets to clean up. */
async function killWithJob(child: ChildProcess): Promise<void> {
	const jobs = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '')).trim().split(' ').filter(Boolean).map(Number);
	const exited = once(child, 'exit');
	for (const pid of [child.pid!, ...jobs.map((job) => -job)]) {
		try {
			process.kill(pid, 'SIGKILL');
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
		}
	}
	if (child.exitCode === null && child.signalCode === null) await exited;
}

/** Not everywhere may a user make a network namespace of its own; then the single file's own limit has to do. */
async function mayCutNetwork(): Promise<boolean> {
	return await run('unshare', ['-rn', 'true']).then(
		() => true,
		() => false,
	);
}

describe('the break-glass kit', () => {
	let kits: string;
	beforeAll(async () => await mkdir((kits = join(root, 'kits'))));
	const writeKit = async (...more: string[]) => {
		const args = [commandLine, 'break-glass-kit', '--store', store, '--to', kits, '--title', 'CRM <Pro>', ...more, '--json'];
		const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24, env: { PATH: process.env.PATH } });
		return (JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { result: KitResult }).result;
	};

	const blankNotes = async () => {
		await writeFile(join(root, 'blank-notes.txt'), 'The secret keys are kept at: (write it here)');
		return join(root, 'blank-notes.txt');
	};

	test('is proven in an empty folder, opened by stock age, and restores with the commands of its steps', async () => {
		const notes = join(root, 'notes.txt');
		await writeFile(notes, 'DBA: Maria <maria@example.com>');
		const identity = join(root, 'identity.txt');
		await writeFile(identity, `${pair.identity}\n`, { mode: 0o600 });
		const { kit, proof, recoveryPoint, warnings } = await writeKit('--recipient', pair.recipient, '--identity-file', identity, '--notes-file', notes);
		expect(recoveryPoint).toBe(point);
		expect(proof).toEqual({ read: 'config/configuration was restored into the empty folder and compared with its index.', network: 'none' });
		expect(warnings).toEqual([]);
		expect(kit.files).toEqual(expect.arrayContaining(['backup-recovery.cjs', 'STEPS.txt', 'STEPS.html', 'targets.json', 'LICENSES.txt', 'SHA256SUMS']));

		const folder = join(root, 'opened');
		await mkdir(folder);
		await writeFile(join(root, 'kit.tar'), await stockAge(['-d', '-i', identity], await readFile(join(kits, kit.file))));
		await run('tar', ['-xf', join(root, 'kit.tar'), '-C', folder]);
		await run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: folder });
		const page = await readFile(join(folder, 'STEPS.html'), 'utf8');
		expect(page).toContain('CRM &lt;Pro&gt;');
		expect(page).toContain('Maria &lt;maria@example.com&gt;');
		const steps = await readFile(join(folder, 'STEPS.txt'), 'utf8');
		expect(steps).toContain(pair.recipient);
		expect(steps).not.toContain(pair.identity);
		expect((await writeKit('--recipient', pair.recipient, '--notes-file', await blankNotes())).warnings).toContainEqual(expect.stringContaining('(write it here)'));
		expect(await readFile(join(kits, dirname(kit.file), 'README.txt'), 'utf8')).toContain(kit.sha256);

		// What the page says is what is typed, in a network namespace without any network.
		const [plan] = /node backup-recovery\.cjs restore-all (?:.*\\\n)*.*--targets targets\.json$/m.exec(steps.slice(steps.indexOf('Look at the plan'))) ?? [];
		await writeFile(join(folder, 'identity.txt'), `${pair.identity}\n`, { mode: 0o600 });
		await writeFile(join(folder, 'targets.json'), JSON.stringify({ files: [{ source: 'uploads', folder: join(folder, 'uploads') }], config: [{ source: 'configuration', folder: join(folder, 'config') }], leaveOut: ['postgres', 'redis', 'n8n'] }));
		const typed = ['sh', '-c', `${plan} --confirm ${point}`];
		const [program, ...args] = (await mayCutNetwork()) ? ['unshare', '-rn', ...typed] : typed;
		await run(program!, args, { cwd: folder, env: { PATH: process.env.PATH, BACKUP_RECOVERY_ONLY_NETWORK: 'none' } });
		expect(treeDifferences(before.uploads, await readTree(join(folder, 'uploads'))).filter((path) => path !== '' && !path.includes('"owner"'))).toEqual([]);
	});

	test('without a key for the backups every byte of one is read; without recipients nothing is written', async () => {
		const { proof, warnings, kit } = await writeKit('--recipient', (await newAgePair()).recipient);
		expect(proof.read).toContain('It was not opened');
		expect(warnings).toEqual([expect.stringContaining('Nobody has opened this kit yet')]);
		expect(kit.bytes).toBeGreaterThan(100_000);
		await expect(writeKit()).rejects.toMatchObject({ stdout: expect.stringContaining('ENCRYPTION_REQUIRED') });
	});

	test('is not written when its single file cannot do its work', async () => {
		const manifest = join(store, 'sets', point, 'manifest.json');
		const text = await readFile(manifest, 'utf8');
		const configuration = (JSON.parse(text) as { members: { component: string; backup: string }[] }).members.find(({ component }) => component === 'config')!.backup;
		const archive = join(store, 'backups', 'config', configuration, 'files.tar.zst.age');
		const bytes = await readFile(archive);
		const count = async () => (await readdir(join(kits, 'break-glass'))).length;
		const had = await count();
		await writeFile(archive, Buffer.from(bytes).fill(0, 300, 310));
		await expect(writeKit('--recipient', pair.recipient, '--identity-file', join(root, 'identity.txt'))).rejects.toMatchObject({ stdout: expect.stringMatching(/The single file of the kit failed at \\"restore-files\\"/) });
		await writeFile(archive, bytes);
		expect(await count()).toBe(had);
	});
});
