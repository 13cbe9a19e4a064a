import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgressEvent } from '../../../lib/core/progress';
import { runJob, type RunJobOptions } from '../../../lib/jobs/run-job';
import { processExists } from '../../../lib/jobs/work-folder';

const workerModule = join(__dirname, '../../support/workers/behaving.js');
let parent: string;

beforeEach(() => {
	parent = mkdtempSync(join(tmpdir(), 'run-job-test-'));
	process.env.BACKUP_RECOVERY_TEMP = parent;
});
afterEach(() => {
	delete process.env.BACKUP_RECOVERY_TEMP;
	rmSync(parent, { recursive: true, force: true });
});

const start = (database: string, options: RunJobOptions = {}) =>
	runJob<'postgres.listSchemas'>(
		{ kind: 'postgres.listSchemas', database, connection: { host: 'h', user: 'u', password: 'open sesame' } },
		{ workerModule, ...options },
	);

const until = async (condition: () => boolean) => {
	for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
	expect(condition()).toBe(true);
};

test('hands over progress and the result, and removes the work folder', async () => {
	const events: ProgressEvent[] = [];
	const result = (await start('succeeds', { onProgress: (event) => events.push(event) })) as unknown as { workFolder: string };
	expect(events).toEqual([{ step: 'half way', done: 1, total: 2 }]);
	expect(result.workFolder.startsWith(parent)).toBe(true);
	expect(readdirSync(parent)).toEqual([]);
});

test('gives the job only the harmless part of the environment', async () => {
	process.env.N8N_ENCRYPTION_KEY = 'secret';
	const result = (await start('succeeds')) as unknown as { environment: string[] };
	delete process.env.N8N_ENCRYPTION_KEY;
	expect(result.environment).not.toContain('N8N_ENCRYPTION_KEY');
	expect(result.environment).toContain('PATH');
});

test('rejects with the error of the job, as a BackupError', async () => {
	await expect(start('fails')).rejects.toMatchObject({ name: 'BackupError', code: 'TABLE_NOT_FOUND', message: 'no table', hint: 'look again' });
	expect(readdirSync(parent)).toEqual([]);
});

test('says that the process crashed, how, and what it last wrote', async () => {
	await expect(start('crashes')).rejects.toMatchObject({ code: 'JOB_CRASHED', message: expect.stringMatching(/exit code 7.*terrible things/) });
});

test('kill -9 of the job ends its tools too and leaves no folder', async () => {
	let pid = 0;
	let tool = 0;
	const job = start('starts-a-tool', { onStarted: (value) => (pid = value), onProgress: (event) => (tool = Number(event.step.split(' ')[1])) });
	const outcome = expect(job).rejects.toMatchObject({ code: 'JOB_CRASHED', message: expect.stringContaining('SIGKILL') });
	await until(() => tool > 0);
	process.kill(pid, 'SIGKILL');
	await outcome;
	await until(() => !processExists(tool));
	expect(readdirSync(parent)).toEqual([]);
});

test('cancel asks the job to end and rejects with CANCELLED', async () => {
	const controller = new AbortController();
	const job = start('waits', { signal: controller.signal, onProgress: () => controller.abort() });
	await expect(job).rejects.toMatchObject({ code: 'CANCELLED' });
	expect(readdirSync(parent)).toEqual([]);
});

test('an already cancelled signal starts nothing', async () => {
	const onStarted = jest.fn();
	await expect(start('succeeds', { signal: AbortSignal.abort(), onStarted })).rejects.toMatchObject({ code: 'CANCELLED' });
	expect(onStarted).not.toHaveBeenCalled();
});

test('a job over its time is stopped and the error names the time-out', async () => {
	await expect(start('waits', { timeoutMs: 300 })).rejects.toMatchObject({ code: 'TIMED_OUT', message: expect.stringContaining('time-out') });
});

test('checks the job first: names the field, never repeats the value', async () => {
	const onStarted = jest.fn();
	const wrong = { kind: 'postgres.listSchemas', database: 5, connection: { host: '', user: 'u', password: ['open sesame'] } } as never;
	const error = await runJob(wrong, { workerModule, onStarted }).catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(/connection\.host.*connection\.password.*database/) });
	expect((error as Error).message).not.toContain('open sesame');
	expect(onStarted).not.toHaveBeenCalled();
});

test('removes work folders whose owner is dead, and no others', async () => {
	for (const [name, owner] of [['backup-recovery-job-dead', '999999999'], ['backup-recovery-job-live', String(process.pid)]] as const) {
		mkdirSync(join(parent, name));
		writeFileSync(join(parent, name, 'owner.pid'), owner);
	}
	mkdirSync(join(parent, 'something-else'));
	await start('succeeds');
	expect(existsSync(join(parent, 'backup-recovery-job-dead'))).toBe(false);
	expect(readdirSync(parent).sort()).toEqual(['backup-recovery-job-live', 'something-else']);
});
