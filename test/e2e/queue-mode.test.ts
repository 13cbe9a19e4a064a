import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { RestoreResult } from '../../lib/jobs/results';
import { EXHAUSTIVE, longTest } from '../support/breadth';
import { type CrmStack, readStack, stackDifferences, startCrmStack } from '../support/crm-stack';
import { differences, snapshotContents } from '../support/database-contents';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { N8nWorker, queueVariables } from '../support/n8n-worker';
import { drillAndRestoreWorkflow, dumpWorkflow, listWorkflow } from '../support/n8n-workflows';
import { type PackedPackage, packPackage } from '../support/packed-package';
import type { PostgresServer } from '../support/postgres-server';
import { clientProcesses, frozenPgDump, jobProcesses } from '../support/processes';
import { type RedisServer, startRedis } from '../support/redis-server';
import { type S3Server, startS3 } from '../support/s3-server';
import { describeWithS3 } from '../support/s3-store';
import { type InstalledWorkflows, installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

const RESTORED = 'crm_restored';
const BUCKET = 'backups';
const DUMP = 'brTestDump000001';
const DRILL_AND_RESTORE = 'brTestRestore001';
const LIST = 'brTestList000001';

describeWithS3("n8n's queue mode: one main, two workers, a store on S3", () => {
	let stack: CrmStack;
	let server: PostgresServer;
	let queue: RedisServer;
	let s3: S3Server;
	let packed: PackedPackage;
	let main: N8nServer;
	let workflows: InstalledWorkflows;
	let a: N8nWorker;
	let b: N8nWorker;

	beforeAll(async () => {
		[stack, queue, s3, packed] = await Promise.all([startCrmStack(0.1), startRedis({ password: randomBytes(12).toString('hex') }), startS3(), packPackage()]);
		server = stack.server;
		await s3.createBucket(BUCKET);
		const env = { ...queueVariables(queue), BACKUP_RECOVERY_ALLOW_N8N: 'true' };
		main = await startN8n({ databaseServer: server, tarball: packed.tarball, env });
		// What is backed up must be where every worker runs, as a mounted volume is; no worker reaches main's own folders.
		const mounted = dirname(stack.folders.uploads);
		const workers = Promise.all([N8nWorker.install(main, packed.tarball, mounted), N8nWorker.install(main, packed.tarball, mounted)]);
		const { endpoint, region, accessKeyId, secretAccessKey } = s3;
		const place = (prefix: string) => ({ type: 's3', bucket: BUCKET, prefix, endpoint, region, forcePathStyle: true, accessKeyId, secretAccessKey });
		const own = [
			dumpWorkflow({ id: DUMP, database: SHIPPED_DATABASE }),
			drillAndRestoreWorkflow({ id: DRILL_AND_RESTORE, database: SHIPPED_DATABASE, newDatabase: RESTORED }),
			listWorkflow(LIST),
		];
		workflows = await installShippedWorkflows(main, stack, { places: [place(''), place('second-place'), place('third-place')], besides: { workflows: own } });
		[a, b] = await workers;
	}, 420_000);

	afterAll(async () => {
		await Promise.all([a?.remove(), b?.remove()]);
		await main?.stop();
		await Promise.all([packed?.remove(), s3?.stop(), queue?.stop(), stack?.stop()]);
	}, 60_000);

	afterEach(async () => {
		await until('every client program has ended', () => clientProcesses(server.port).length === 0);
		expect(jobProcesses(main.pid)).toEqual([]);
	});

	test('a dump on one worker', async () => {
		await a.start();
		expect((await main.execute(DUMP, 'Start')).describe()).toMatch(/is "success"/);
		expect(await backups()).toHaveLength(1);
		await a.stop();
	}, 120_000);

	longTest('Backup: Full on one worker: every part is backed up and proven', async () => {
		await a.start();
		const execution = await main.execute(SHIPPED.fullBackup, 'Run Now', 400_000);
		expect(execution.describe()).toMatch(/is "success" after: Run Now > Report Start > Settings > .* > Done > Next Expected > Report Success$/);
		const [report] = execution.items<{ failures: string[]; backups: BackupSummary[] }>('Report');
		expect(report!.failures).toEqual([]);
		expect(report!.backups.map(({ component, kind }) => `${component} ${kind}`).sort()).toEqual(['config full', 'files full', 'logs full', 'n8n full', 'postgres full', 'postgres globals', 'redis full']);
		expect(report!.backups.every(({ verified }) => verified !== null)).toBe(true);
		await a.stop();
	}, 420_000);

	test('another worker, which shares no folder with the first, verifies it and restores it into a new database', async () => {
		const before = await snapshotContents(server, SHIPPED_DATABASE);
		await b.start();
		const execution = await main.execute(DRILL_AND_RESTORE, 'Start');
		expect(execution.describe()).toMatch(/is "success"/);
		const [{ restore }] = execution.items<{ restore: RestoreResult }>('Restore') as [{ restore: RestoreResult }];
		expect(await backups()).toContain(restore.backup.id);
		expect(restore.comparison.every((table) => table.equal)).toBe(true);
		expect(differences(before, await snapshotContents(server, RESTORED))).toEqual([]);
	}, 300_000);

	longTest('Recovery: Full on that other worker brings everything back', async () => {
		const whole = await readStack(stack);
		await server.query('DROP TABLE deals CASCADE; DELETE FROM logs', SHIPPED_DATABASE);
		await stack.redis.redis.flushall();
		await rm(join(stack.folders.uploads, 'contracts'), { recursive: true });
		expect(await workflows.recoverAsPlanned()).toMatchObject({ status: 200 });
		expect(stackDifferences(whole, await readStack(stack))).toEqual([]);
	}, 400_000);

	test('of two runs at once on two workers the second fails and says who is at work', async () => {
		await a.start();
		const listed = await backups();
		const first = await main.rest.run(DUMP, 'Start');
		const pgDump = await frozenPgDump(server.port);
		const { busy, job } = atWork();
		const second = await main.execute(DUMP, 'Start');
		expect(jobProcesses(busy.pid)).toHaveLength(1);
		process.kill(pgDump, 'SIGCONT');

		expect(second.status).toBe('error');
		expect(`${second.error?.message} ${second.error?.description}`).toContain(`process ${job.pid} on `);
		expect(`${second.error?.message} ${second.error?.description}`).toContain(`backing up ${SHIPPED_DATABASE}`);
		expect((await main.rest.finished(first)).describe()).toMatch(/is "success"/);
		expect(await backups()).toHaveLength(listed.length + 1);
	}, 60_000);

	test("n8n's Stop reaches the worker, and its job ends half way and leaves nothing behind", async () => {
		const listed = await backups();
		const id = await main.rest.run(DUMP, 'Start');
		const pgDump = await frozenPgDump(server.port);
		const { busy } = atWork();
		await main.rest.stopExecution(id);
		process.kill(pgDump, 'SIGCONT');

		expect((await main.rest.finished(id)).status).toBe('canceled');
		await until('the job has ended', () => jobProcesses(busy.pid).length === 0);
		expect(await backups()).toEqual(listed);
		expect(await storedBackups()).toEqual([...listed].sort());
		expect(readdirSync(busy.tempFolder)).toEqual([]);
	}, 60_000);

	(EXHAUSTIVE ? describe : describe.skip)('a worker that is killed in the middle', () => {
		const killed: string[] = [];

		test.each([
			['its job notices and gives up', false],
			['its job with it, so that the lock stays: it is taken over', true],
		])('%s; the next run on the other worker works', async (_name, jobToo) => {
			const listed = await backups();
			const id = await main.rest.run(DUMP, 'Start');
			const pgDump = await frozenPgDump(server.port);
			const { busy, job } = atWork();
			await busy.kill();
			// The job leads a process group of its own, pg_dump is in it.
			process.kill(jobToo ? -job.pid : pgDump, jobToo ? 'SIGKILL' : 'SIGCONT');
			await until('pg_dump has ended', () => clientProcesses(server.port).length === 0);
			killed.push(id);

			expect(await backups()).toEqual(listed);
			expect(await locks()).toHaveLength(jobToo ? 1 : 0);
			expect((await main.execute(DUMP, 'Start')).describe()).toMatch(/is "success"/);
			const afterwards = await backups();
			expect(afterwards).toEqual([expect.any(String), ...listed]);
			expect(await storedBackups()).toEqual([...afterwards].sort());
			expect(await locks()).toEqual([]);
			// The temporary folder of a job that was killed goes with the next job on its machine.
			expect(readdirSync(busy.tempFolder)).toHaveLength(jobToo ? 1 : 0);
			await busy.start();
		}, 90_000);

		test('n8n finds out what became of their executions', async () => {
			expect(killed).toHaveLength(2);
			// Whichever comes first: main misses the worker's sign of life, or the worker, started again, finds its unfinished execution.
			for (const id of killed) expect((await main.rest.finished(id)).status).toMatch(/^(error|crashed)$/);
		}, 60_000);
	});

	/** The worker that has a job, and that job's process. */
	function atWork() {
		const busy = [a, b].flatMap((worker) => jobProcesses(worker.pid).map((job) => ({ busy: worker, job })));
		if (busy.length !== 1 || busy[0] === undefined) throw new Error(`${busy.length} jobs are running.`);
		return busy[0];
	}

	async function backups(): Promise<string[]> {
		const execution = await main.execute(LIST, 'Start');
		expect(execution.describe()).toMatch(/is "success"/);
		return execution.items<{ backup?: BackupSummary }>('List').flatMap(({ backup }) => (backup === undefined ? [] : [backup.id]));
	}

	/** The ids under which the bucket holds anything of a backup, finished or not. */
	async function storedBackups(): Promise<string[]> {
		const ids = (await keys()).flatMap((key) => /^backups\/[^/]+\/([^/]+)\//.exec(key)?.[1] ?? []);
		return [...new Set(ids)].sort();
	}

	async function locks(): Promise<string[]> {
		return (await keys()).filter((key) => key.startsWith('locks/'));
	}

	async function keys(): Promise<string[]> {
		return (await s3.versions(BUCKET)).filter(({ deleteMarker }) => !deleteMarker).map(({ key }) => key);
	}
});
