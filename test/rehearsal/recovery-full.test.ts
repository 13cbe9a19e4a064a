import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { escapeIdentifier } from 'pg';
import { CRM_ROLES } from '../support/crm-database';
import { type CrmStack, readStack, type StackContents, stackDifferences, startCrmStack } from '../support/crm-stack';
import { type DatabaseContents, differences, snapshotContents } from '../support/database-contents';
import { FakeApp } from '../support/fake-app';
import { type N8nServer, startN8n, type WebhookAnswer } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { clientProcesses, jobProcesses } from '../support/processes';
import { newestRecovery, untilStage } from '../support/recovery-journals';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

const STAGES = ['stop-app', 'fence', 'database', 'keep-redis', 'redis', 'uploads', 'configuration', 'unfence', 'cross-check', 'start-app', 'smoke-test', 'n8n'] as const;
type Stage = (typeof STAGES)[number];

interface Answer {
	readonly message: string;
	readonly resumed: boolean;
	readonly interruptedStage: string | null;
	readonly secondsToRecover: number;
	readonly stages: ReadonlyArray<{ stage: string; state: string; seconds: number; tries: number }>;
	readonly choice: string;
	/** The safety backup of Redis. */
	readonly redisBefore: string;
	readonly database: { readonly alreadyInPlace: boolean; readonly live: string };
}

jest.setTimeout(240_000);
let stack: CrmStack;
let app: FakeApp;
let packed: PackedPackage;
let n8n: N8nServer;
let workflows: InstalledWorkflows;
/** The only recovery point there is. */
let point: string;
let whole: StackContents;
let wrecked: StackContents;

beforeAll(async () => {
	[stack, packed] = await Promise.all([startCrmStack(0.2), packPackage()]);
	app = await FakeApp.start(async () => (await stack.server.query('SELECT 1 FROM deals LIMIT 1', SHIPPED_DATABASE)).length === 1);
	n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [dirname(stack.folders.uploads), ...Object.values(stack.places)], env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
	const recoveryFolder = join(stack.places.third, 'recovery');
	await mkdir(recoveryFolder);
	workflows = await installShippedWorkflows(n8n, stack, { recoveryFolder, settings: { 'hooks.stopApp': `${app.url}/stop`, 'hooks.startApp': `${app.url}/start`, 'hooks.smokeTest': `${app.url}/health` } });
	whole = await readStack(stack);
	expect((await n8n.execute(SHIPPED.fullBackup, 'Run Now', 400_000)).describe()).toMatch(/is "success"/);
	[point = ''] = await readdir(join(n8n.storeFolder, 'sets'));
}, 400_000);

afterAll(async () => {
	await n8n?.stop();
	await app?.stop();
	await packed?.remove();
	await stack?.stop();
}, 60_000);

/** Each test finds a wrecked stack. */
beforeEach(async () => {
	const { server } = stack;
	await server.query('DROP TABLE deals CASCADE; DELETE FROM logs', SHIPPED_DATABASE);
	await stack.redis.redis.flushall();
	await rm(join(stack.folders.uploads, 'contracts'), { recursive: true });
	wrecked = await readStack(stack);
	app.told.length = 0;
});

afterEach(async () => {
	app.broken = undefined;
	await until('every process of the package has ended', () => jobProcesses(n8n.pid).length === 0 && clientProcesses(stack.server.port).length === 0);
	for (const name of await databases(/_before_/)) await stack.server.query(`DROP DATABASE ${escapeIdentifier(name)}`);
	expect(await databases(/_(before|restore)_/)).toEqual([]);
});

const recover = async (body: object = {}) => await workflows.recover({ confirm: 'RESTORE EVERYTHING', recoveryPoint: point, by: 'Ana', ...body }, 'recovery-full');
const databases = async (pattern: RegExp) => (await stack.server.query<{ name: string }>('SELECT datname AS name FROM pg_database')).map(({ name }) => name).filter((name) => pattern.test(name));
const isOpen = async () => (await stack.server.query<{ open: boolean }>('SELECT datallowconn AS open FROM pg_database WHERE datname = $1', 'postgres', [SHIPPED_DATABASE]))[0]?.open;

/** What is under the live name, also behind a fence. */
async function liveContents(): Promise<DatabaseContents> {
	const open = await isOpen();
	const name = escapeIdentifier(SHIPPED_DATABASE);
	await stack.server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
	const contents = await snapshotContents(stack.server, SHIPPED_DATABASE);
	await stack.server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${open}`);
	return contents;
}

function answered({ status, body }: WebhookAnswer): Answer {
	expect({ status, body }).toMatchObject({ status: 200 });
	return JSON.parse(body) as Answer;
}

/** Kills n8n once the recovery is where it shall be killed; then starts it again and sends the same request again. */
async function killAndGoOn(reached: () => Promise<void>): Promise<Answer> {
	const first = recover().catch(() => undefined);
	await reached();
	await n8n.kill();
	await first;
	await until('its jobs have ended', () => clientProcesses(stack.server.port).length === 0);
	// Whatever was going on: the old database, or the proven one.
	const live = await liveContents();
	const old = differences(wrecked.database, live).length === 0;
	expect({ old, proven: differences(whole.database, live).length === 0 }).toEqual({ old, proven: !old });
	await n8n.restart();
	const answer = answered(await recover());
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
	expect(await isOpen()).toBe(true);
	expect(app.told).toEqual(expect.arrayContaining(['POST /stop', 'POST /start', 'GET /health']));
	expect(app.told.indexOf('POST /stop')).toBeLessThan(app.told.lastIndexOf('POST /start'));
	const journal = await newestRecovery(n8n.storeFolder);
	expect(journal).toMatchObject({ state: 'succeeded', by: 'Ana' });
	return answer;
}

test('nobody begins without having seen a plan: the words alone show it, with the body to send; nothing was changed', async () => {
	const { status, body } = await recover({ recoveryPoint: undefined });
	expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 409, problems: [], toDoIt: { confirm: 'RESTORE EVERYTHING', recoveryPoint: point }, choice: expect.stringContaining('is the newest complete one') as string, message: expect.stringContaining('Nothing was changed') as string });
	expect(stackDifferences(wrecked, await readStack(stack))).toEqual([]);
	expect(app.told).toEqual([]);
	expect(answered(await recover()).resumed).toBe(false);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});

test('a newer recovery point that is not whole: the older one must be named, and the plan says what was passed over', async () => {
	const newer = '29991231T235959Z-set-aaaaaa';
	const folder = join(n8n.storeFolder, 'sets', newer);
	await mkdir(folder);
	await writeFile(join(folder, 'manifest.json'), 'torn');
	try {
		const plan = await recover({ recoveryPoint: undefined, confirm: '', dryRun: true });
		expect({ status: plan.status, ...(JSON.parse(plan.body) as object) }).toMatchObject({ status: 409, problems: [expect.stringMatching(new RegExp(`A newer one was passed over: ${newer}.*Name the one that you mean`))] });
		const named = await recover({ dryRun: true });
		expect({ status: named.status, ...(JSON.parse(named.body) as object) }).toMatchObject({ status: 200, problems: [], choice: expect.stringContaining(newer) as string });
		expect(stackDifferences(wrecked, await readStack(stack))).toEqual([]);
	} finally {
		await rm(folder, { recursive: true });
	}
	expect(answered(await recover()).resumed).toBe(false);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});

test('what a named point lost since is left out, and told; unnamed it is not taken', async () => {
	const [redis, away] = [join(n8n.storeFolder, 'backups', 'redis'), join(n8n.storeFolder, 'backups', 'redis-of-then')];
	await rename(redis, away);
	try {
		const unnamed = await recover({ recoveryPoint: undefined, confirm: '', dryRun: true });
		expect({ status: unnamed.status, ...(JSON.parse(unnamed.body) as object) }).toMatchObject({ status: 404, message: expect.stringMatching(new RegExp(`There is no complete recovery point.*There are others: ${point}`)) as string });
		const named = await recover({ dryRun: true });
		const plan = JSON.parse(named.body) as { stages: string[]; plans: string[][]; leftOut: string[] };
		expect({ status: named.status, ...plan }).toMatchObject({ status: 200, problems: [], leftOut: [expect.stringMatching(/^redis: its backup .* is no longer in this store, and is left out\.$/)] });
		expect(plan.stages).toEqual(STAGES.filter((stage) => !stage.includes('redis')));
		expect(plan.plans).toHaveLength(3);
	} finally {
		await rename(away, redis);
	}
	expect(answered(await recover()).resumed).toBe(false);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});

test('without trouble: every stage once, the app stopped before and started after, and the time that it took', async () => {
	await stack.redis.redis.set('only', 'what lived');
	const answer = answered(await recover());
	await stack.redis.redis.del('only');
	expect(answer.stages.map(({ stage, state, tries }) => `${stage} ${state} ${tries}`)).toEqual(STAGES.map((stage) => `${stage} done 1`));
	expect(app.told).toEqual(['POST /stop', 'POST /start', 'GET /health']);
	expect(answer.secondsToRecover).toBeGreaterThan(0);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
	// What Redis held before is kept apart, and never taken for the newest backup.
	const kept = JSON.parse(await readFile(join(n8n.storeFolder, 'backups', 'redis', answer.redisBefore, 'manifest.json'), 'utf8')) as object;
	expect(kept).toMatchObject({ kind: 'safety', redis: { databases: [{ keys: 1 }] } });
	console.log(`recovered in ${answer.secondsToRecover} s: ${answer.stages.map(({ stage, seconds }) => `${stage} ${seconds}`).join(', ')}`);
});

test('the whole database and its roles are gone: both come back, and clients only get in at the end', async () => {
	const { server } = stack;
	await server.query(`DROP DATABASE ${escapeIdentifier(SHIPPED_DATABASE)} WITH (FORCE)`);
	await server.query(`DROP ROLE ${Object.values(CRM_ROLES).join(', ')}`);
	const going = recover();
	await untilStage(n8n.storeFolder, 'uploads', 10);
	expect(await isOpen()).toBe(false);
	const answer = answered(await going);
	expect(answer.database).toMatchObject({ alreadyInPlace: false, live: expect.stringContaining('proven, and swapped in') as string });
	expect(await isOpen()).toBe(true);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
	expect(await server.query('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', 'postgres', [Object.values(CRM_ROLES)])).toHaveLength(3);
});

const moments: ReadonlyArray<readonly [Stage, number]> = [
	...STAGES.map((stage) => [stage, 0] as const),
	...(['fence', 'database', 'redis', 'uploads', 'unfence'] as const).flatMap((stage) => [[stage, 250] as const, [stage, 500] as const]),
	['database', 1000],
];

test.each(moments)('n8n is killed in the stage %s, %i ms after it began: the database is the old one or the proven one, and the same call goes on', async (stage, delay) => {
	const answer = await killAndGoOn(async () => {
		await untilStage(n8n.storeFolder, stage, 10);
		await sleep(delay);
	});
	expect(answer.resumed).toBe(true);
	const at = STAGES.indexOf(answer.interruptedStage as Stage);
	if (delay === 0) expect(at).toBeGreaterThanOrEqual(STAGES.indexOf(stage));
	for (const [index, { state, tries }] of answer.stages.entries()) expect({ state, tries }).toEqual({ state: 'done', tries: index === at ? 2 : 1 });
});

test('n8n is killed right after the swap: the server says that it was done, and it is not done again', async () => {
	const answer = await killAndGoOn(async () => {
		await untilStage(n8n.storeFolder, 'database', 10);
		await until('the databases are swapped', async () => (await databases(/_before_/)).length === 1);
	});
	expect(answer.database.live).toContain('proven, and swapped in');
	if (answer.interruptedStage === 'database') expect(answer.database.alreadyInPlace).toBe(true);
	console.log(`killed right after the swap: interrupted in ${answer.interruptedStage}, already in place: ${answer.database.alreadyInPlace}`);
});

test('an app that does not answer: everything is restored, the run fails and says so; the same call goes on with the smoke test', async () => {
	app.broken = '/health';
	const { status, body } = await recover();
	expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 500, stage: 'smoke-test', message: expect.stringContaining('proven, and swapped in') as string, hint: expect.stringContaining('it goes on from here') as string });
	await until('the failure was alerted', async () => (await n8n.rest.executions(SHIPPED.errorAlert)).length > 0);
	app.broken = undefined;
	const answer = answered(await recover());
	expect(answer.stages.map(({ tries }) => tries)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});

test('given up: clients may connect again, to the old database, and the next one begins anew', async () => {
	const first = recover().catch(() => undefined);
	await untilStage(n8n.storeFolder, 'database', 10);
	await n8n.kill();
	await first;
	await n8n.restart();
	expect(await isOpen()).toBe(false);
	const { status, body } = await recover({ confirm: 'GIVE UP' });
	expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 200, recovery: { state: 'abandoned' } });
	expect(await isOpen()).toBe(true);
	expect(stackDifferences(wrecked, await readStack(stack))).toEqual([]);
	expect(app.told).toContain('POST /start');
	expect(answered(await recover()).resumed).toBe(false);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});

test('while one is under way a second call is refused, unless it takes over', async () => {
	let release = () => {};
	app.hold = new Promise((resolve) => (release = resolve));
	const first = recover();
	await untilStage(n8n.storeFolder, 'smoke-test', 10);
	const second = await recover();
	expect({ status: second.status, ...(JSON.parse(second.body) as object) }).toMatchObject({ status: 409, message: expect.stringContaining('seems to be under way') as string });
	const third = recover({ takeOver: true });
	await until('it has taken over', async () => (await newestRecovery(n8n.storeFolder))?.attempts === 2);
	release();
	expect(answered(await third)).toMatchObject({ resumed: true, interruptedStage: 'smoke-test' });
	expect((await first).status).toBe(409);
	expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
});
