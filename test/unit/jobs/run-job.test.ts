import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LockOwner, ownIdentity } from '../../../lib/catalog/lock-owner';
import type { ProgressEvent } from '../../../lib/core/progress';
import { runJob, type RunJobOptions } from '../../../lib/jobs/run-job';
import { makeWorkFolder, showLife } from '../../../lib/jobs/work-folder';

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
	await until(() => !existsSync(`/proc/${tool}`));
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
	const gone = { ...ownIdentity(), pid: 2 ** 22 + 1 };
	const lately = new Date();
	const longAgo = new Date(Date.now() - 2 * 3_600_000);
	const folders: Array<[name: string, owner: LockOwner, lastSeen: Date]> = [
		['dead', gone, lately],
		['number-given-away-again', { ...ownIdentity(), processStart: '1' }, lately],
		['live', ownIdentity(), lately],
		['live-and-silent', ownIdentity(), longAgo],
		['other-container', { ...gone, pidNamespace: 'pid:[1]' }, lately],
		['other-container-gone', { ...gone, pidNamespace: 'pid:[1]' }, longAgo],
		['before-the-restart', { ...gone, bootId: 'an earlier one' }, longAgo],
		['no-proc', { ...gone, bootId: '', pidNamespace: '' }, lately],
	];
	for (const [name, owner, lastSeen] of folders) {
		mkdirSync(join(parent, `backup-recovery-job-${name}`));
		const file = join(parent, `backup-recovery-job-${name}`, 'owner.json');
		writeFileSync(file, JSON.stringify(owner));
		utimesSync(file, lastSeen, lastSeen);
	}
	for (const name of ['something-else', 'backup-recovery-job-new', 'backup-recovery-job-half']) mkdirSync(join(parent, name));
	writeFileSync(join(parent, 'backup-recovery-job-half', 'owner.json'), '{"host":');
	await start('succeeds');
	const left = readdirSync(parent).map((name) => name.replace('backup-recovery-job-', ''));
	expect(left.sort()).toEqual(['half', 'live', 'live-and-silent', 'new', 'no-proc', 'other-container', 'something-else']);
});

test('a sign of life makes a work folder young again', async () => {
	const file = join(await makeWorkFolder(parent), 'owner.json');
	const longAgo = new Date(Date.now() - 2 * 3_600_000);
	utimesSync(file, longAgo, longAgo);
	await showLife(dirname(file));
	expect(Date.now() - statSync(file).mtimeMs).toBeLessThan(60_000);
});
