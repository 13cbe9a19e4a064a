import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RestoreFilesResult } from '../../../lib/files/restore/options';
import { runJob } from '../../../lib/jobs/run-job';
import { failure } from '../../support/failure';
import { readTree, treeDifferences } from '../../support/file-trees';

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..', '..');
const workerModule = join(ROOT, 'dist', 'lib', 'jobs', 'worker.js');

let base: string;
let folder: string;
let store: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'backup-recovery-cli-files-'));
	folder = join(base, 'uploads');
	store = join(base, 'store');
	await mkdir(folder);
	await mkdir(store);
	for (let at = 0; at < 3000; at++) await writeFile(join(folder, `file ${at}`), `content ${at}`);
});
afterEach(async () => await rm(base, { recursive: true, force: true }));

async function commandLine<T>(...args: string[]): Promise<T> {
	const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'dist', 'cli', 'backup-recovery.js'), ...args, '--json'], { maxBuffer: 1e8 });
	return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { result: T }).result;
}

test('A killed job leaves nothing that looks like a backup; the next one succeeds and is restored and drilled from the command line', async () => {
	const job = { kind: 'files.archive', store: { type: 'folder', path: store }, folder } as const;
	const killed = runJob<'files.archive'>(job, {
		workerModule,
		onStarted: (pid) => setTimeout(() => process.kill(pid, 'SIGKILL'), 400),
	});
	expect(await failure(killed)).toMatchObject({ code: 'JOB_CRASHED' });
	expect(await commandLine('list', '--store', store)).toEqual({ backups: [] });

	// The lock of a dead run holds for another minute; this test does not wait for that.
	await rm(join(store, 'locks'), { recursive: true, force: true });
	await writeFile(join(base, 'job.json'), JSON.stringify(job));
	await commandLine('run', join(base, 'job.json'));
	const target = join(base, 'restored');
	const { files } = await commandLine<RestoreFilesResult>('restore-files', '--store', store, '--folder', target, '--dry-run');
	expect(files).toMatchObject({ create: 3000 });
	expect(await readdir(base)).not.toContain('restored');
	await commandLine('restore-files', '--store', store, '--folder', target);
	expect(treeDifferences(await readTree(folder), await readTree(target))).toEqual([]);
	expect(await commandLine('verify', '--store', store, '--component', 'files', '--level', 'restore', '--folder', base)).toMatchObject({ passed: true, level: 'restore' });
	expect((await readdir(base)).sort()).toEqual(['job.json', 'restored', 'store', 'uploads']);
});
