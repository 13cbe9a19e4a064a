import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import { type CrmStack, readStack, type StackContents, stackDifferences, startCrmStack } from '../support/crm-stack';
import { differences, snapshotContents } from '../support/database-contents';
import { treeDifferences } from '../support/file-trees';
import { FakeApp } from '../support/fake-app';
import { folderPlace } from '../support/n8n-credentials';
import { type N8nServer, startN8n } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { startPostgres } from '../support/postgres-server';
import { startRedis } from '../support/redis-server';
import { startRestoredN8n } from '../support/restored-n8n';
import { clientProcesses } from '../support/processes';
import { untilStage } from '../support/recovery-journals';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

jest.setTimeout(300_000);
/** Stages that write, and in each of which n8n is killed once. */
const KILLED = ['database', 'redis', 'uploads', 'configuration'];

let root: string;
/** What is left after the loss. */
let store: string;
let identity: string;
let before: StackContents;
let workflowsBefore: string[];
let packed: PackedPackage;
let stack: CrmStack;
let app: FakeApp;
let n8n: N8nServer;
let workflows: InstalledWorkflows;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-server-loss-'));
	store = join(root, 'what-is-left');
	[identity, packed] = await Promise.all([generateIdentity(), packPackage()]);
	await liveAndDie();
	stack = await emptyServer();
	app = await FakeApp.start(async () => (await stack.server.query('SELECT 1 FROM deals LIMIT 1', SHIPPED_DATABASE)).length === 1);
	n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [root], env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
	const recoveryFolder = join(root, 'recovery');
	await mkdir(recoveryFolder);
	const places = [folderPlace(store), folderPlace(stack.places.second), folderPlace(stack.places.third)] as const;
	const settings = { 'hooks.startApp': `${app.url}/start`, 'hooks.smokeTest': `${app.url}/health`, 'hooks.dns': `${app.url}/dns` };
	workflows = await installShippedWorkflows(n8n, stack, { identity, places, recoveryFolder, settings });
}, 500_000);

afterAll(async () => {
	await n8n?.stop();
	await app?.stop();
	await stack?.stop();
	await packed?.remove();
	await rm(root, { recursive: true, force: true });
}, 60_000);

/** A whole stack with an n8n of its own makes its full backup and a break-glass kit; then all of it is deleted but one of the places. */
async function liveAndDie(): Promise<void> {
	const old = await startCrmStack(0.2);
	const oldN8n = await startN8n({ tarball: packed.tarball, allowedFolders: [join(old.folders.uploads, '..'), ...Object.values(old.places)], env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
	try {
		await installShippedWorkflows(oldN8n, old, { identity });
		before = await readStack(old);
		expect((await oldN8n.execute(SHIPPED.fullBackup, 'Run Now', 400_000)).describe()).toMatch(/is "success"/);
		expect((await oldN8n.execute(SHIPPED.breakGlass, 'Run Now')).describe()).toMatch(/is "success"/);
		workflowsBefore = (await oldN8n.rest.workflows()).map(({ id }) => id).sort();
		await cp(old.places.second, store, { recursive: true });
		// The disk under the living server goes: what it has in memory saves nobody.
		await rm(old.server.dataFolder, { recursive: true, force: true, maxRetries: 10 });
		await expect(old.server.query('SELECT 1 FROM deals', SHIPPED_DATABASE)).rejects.toThrow();
	} finally {
		await oldN8n.stop();
		await old.stop();
	}
}

/** A new server: PostgreSQL and Redis with nothing in them, volumes that are empty. */
async function emptyServer(): Promise<CrmStack> {
	const [server, redis] = await Promise.all([startPostgres(), startRedis({ password: 'another' })]);
	const folder = (name: string) => join(root, 'new', name);
	const folders = { uploads: folder('uploads'), config: folder('config'), logs: folder('logs') };
	const places = { second: folder('second'), third: folder('third') };
	for (const path of [...Object.values(folders), ...Object.values(places)]) await mkdir(path, { recursive: true });
	return { server, redis, folders, places, stop: async () => void (await Promise.all([server.stop(), redis.stop()])) };
}

const rebuild = async (body: object) => {
	const { status, body: text } = await workflows.recover(body, 'scenario-server-loss');
	return { status, ...(JSON.parse(text) as Record<string, unknown>) };
};
const confirmed = async () => ({ confirm: 'REBUILD ON THIS SERVER', by: 'Ana', recoveryPoint: (await readdir(join(store, 'sets')))[0] });

test('the kit that the old n8n wrote lies where the backups are left', async () => {
	const [id] = await readdir(join(store, 'break-glass'));
	const kit = JSON.parse(await readFile(join(store, 'break-glass', id!, 'kit.json'), 'utf8')) as { proof: { read: string; network: string } };
	expect(kit.proof).toEqual({ read: 'config/config was restored into the empty folder and compared with its index.', network: 'none' });
});

test('the plan comes first, and touches nothing; the words alone show it again', async () => {
	expect(await rebuild({})).toMatchObject({ status: 400, confirm: 'REBUILD ON THIS SERVER' });
	expect(await rebuild({ ...(await confirmed()), recoveryPoint: undefined })).toMatchObject({ status: 409, toDoIt: { confirm: 'REBUILD ON THIS SERVER', recoveryPoint: (await confirmed()).recoveryPoint } });
	expect(await rebuild({ dryRun: true })).toMatchObject({ status: 200, problems: [], stages: ['database', 'keep-redis', 'redis', 'uploads', 'configuration', 'cross-check', 'start-app', 'smoke-test', 'dns', 'tell', 'n8n'] });
	expect(await stack.server.query('SELECT 1 FROM pg_database WHERE datname = $1', 'postgres', [SHIPPED_DATABASE])).toEqual([]);

});

test('n8n is killed in each stage that writes: there is no database or the proven one, and the same call goes on', async () => {
	for (const stage of KILLED) {
		const going = rebuild(await confirmed()).catch(() => undefined);
		await untilStage(store, stage, 10);
		await n8n.kill();
		await going;
		await until('its programs have ended', () => clientProcesses(stack.server.port).length === 0);
		const there = await stack.server.query('SELECT 1 FROM pg_database WHERE datname = $1', 'postgres', [SHIPPED_DATABASE]);
		if (there.length > 0) expect(differences(before.database, await snapshotContents(stack.server, SHIPPED_DATABASE))).toEqual([]);
		else expect(stage).toBe('database');
		await n8n.restart();
	}
});

test('everything is rebuilt on an empty server from one place that is left; what fails is gone on with; a server that lives is refused', async () => {
	app.broken = '/health';
	expect(await rebuild(await confirmed())).toMatchObject({ status: 500, stage: 'smoke-test', hint: expect.stringContaining('it goes on from here') as string });
	expect(app.told).not.toContain('POST /dns');
	app.broken = undefined;
	const answer = await rebuild(await confirmed());
	expect(answer).toMatchObject({ status: 200, resumed: true });
	expect(app.told).toEqual(['POST /start', 'GET /health', 'POST /dns']);

	const after = await readStack(stack);
	expect(stackDifferences(before, after)).toEqual([]);
	expect(treeDifferences(before.config, after.config).filter((line) => !line.startsWith('""'))).toEqual([]);
	const { messages, secondsToRecover, stages } = answer as unknown as { messages: { forUsers: string; call: string[] }; secondsToRecover: number; stages: { stage: string; seconds: number; tries: number }[] };
	expect(messages.forUsers).toMatch(/after 20\d\d-.*Z is missing/);
	expect(messages.call).toContain('On-call engineer');
	expect(stages.filter(({ tries }) => tries > 1).map(({ stage }) => stage)).toEqual([...KILLED, 'smoke-test']);
	expect(answer).toMatchObject({ message: expect.stringContaining('Configuration files that were missing came back') as string, redisBefore: expect.stringContaining('-safety-') as string });
	console.log(`rebuilt in ${secondsToRecover} s: ${stages.map(({ stage, seconds }) => `${stage} ${seconds}`).join(', ')}`);

	expect(await rebuild({ ...(await confirmed()), dryRun: true })).toMatchObject({ status: 409, problems: [expect.stringContaining('This server is not new')] });
	expect(await rebuild(await confirmed())).toMatchObject({ status: 409 });
});

test('the n8n of the lost server is there, with all its workflows', async () => {
	const [name] = await readdir(join(root, 'recovery'));
	const userFolder = join(root, 'another-n8n');
	await mkdir(userFolder);
	await cp(join(root, 'recovery', name!), join(userFolder, '.n8n'), { recursive: true });
	const restored = await startRestoredN8n(userFolder);
	try {
		await restored.rest.logIn();
		expect((await restored.rest.workflows()).map(({ id }) => id).sort()).toEqual(workflowsBefore);
	} finally {
		await restored.stop();
	}
});
