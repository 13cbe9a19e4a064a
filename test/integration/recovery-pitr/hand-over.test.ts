import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Manifest } from '../../../lib/catalog/manifest';
import { withClient } from '../../../lib/postgres/connect';
import { superuserNames } from '../../../lib/postgres/recovery/superusers';
import { readControlFile } from '../../../lib/postgres/recovery/control-file';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import { recoveryDrill } from '../../../lib/verify/recovery-drill';
import { openStore } from '../../../lib/storage/open-store';
import { ARCHIVED_SERVER, archiveWal, serverClock, stockBaseBackup } from '../../support/archived-server';
import { freePort } from '../../support/free-port';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const run = promisify(execFile);
const SERVER_FOLDER = '/usr/lib/postgresql/15/bin';
const project = join(__dirname, '../../..');

let server: PostgresServer;
let context: TestContext;
let root: string;
let store: string;
let base: Manifest;
let target: string;

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-handover-'));
	await chmod(root, 0o755);
	store = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	server = await startPostgres({ settings: ARCHIVED_SERVER });
	await server.query('CREATE TABLE log (n int)');
	// A cluster whose first superuser is not called postgres, as the docker image makes them with POSTGRES_USER.
	await server.query('CREATE ROLE other SUPERUSER LOGIN');
	const opened = openStore({ type: 'folder', path: store, prefix: '' }, context);
	base = await stockBaseBackup(server, opened, context);
	await server.query('INSERT INTO log VALUES (1)');
	target = await serverClock(server);
	await new Promise((resolve) => setTimeout(resolve, 20));
	await server.query('INSERT INTO log VALUES (2)');
	await archiveWal(server, opened, context);
}, 120_000);

afterAll(async () => {
	await server.stop();
	for (const folder of [root, store]) await rm(folder, { recursive: true, force: true });
	await context.remove();
});

const request = (folder: string, destination: Parameters<typeof recover>[0]['destination']) => ({
	store: openStore({ type: 'folder', path: store, prefix: '' }, context),
	base: { by: 'newest' } as const,
	target: { by: 'time', time: target } as const,
	inclusive: true,
	timeline: null,
	folder,
	destination,
	user: '',
	checkPages: false,
	dryRun: false,
});

test('the recovery container starts what is handed over, reports, is reached with the old password, stops and cleans up; it does drills too', async () => {
	const port = await freePort();
	const container: ChildProcess = spawn('sh', [join(project, 'docker', 'postgres-recovery.sh')], {
		env: { PATH: process.env.PATH, RECOVERY_ROOT: root, RECOVERY_PORT: String(port), RECOVERY_LISTEN: '127.0.0.1', POSTGRES: join(SERVER_FOLDER, 'postgres') },
		stdio: 'ignore',
	});
	try {
		const connection = { ...server.connection, port };
		const folder = join(root, 'crm');
		const result = await recover(request(folder, { mode: 'handOver', connection, waitSeconds: 60 }), context);
		expect(result).toMatchObject({ server: { host: '127.0.0.1', port }, reached: { timeline: 2, stopped: expect.stringContaining('before commit') } });
		const rows = await withClient(connection, { signal: context.signal, applicationName: 'test' }, async (client) => (await client.query<{ n: number }>('SELECT n FROM public.log')).rows);
		expect(rows).toEqual([{ n: 1 }]);
		expect(await stopRecovered({ folder, remove: true }, context)).toMatchObject({ stopped: true, removed: true });
		await expect(readdir(folder)).rejects.toThrow('ENOENT');
		const drill = { store: openStore({ type: 'folder', path: store, prefix: '' } as const, context), base: { by: 'newest' } as const, serverFolder: '', container: { connection, waitSeconds: 60 }, folder: root, user: '', checkPages: true };
		await expect(recoveryDrill({ ...drill, folder: '' }, context)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
		expect(await recoveryDrill(drill, context)).toMatchObject({ passed: true, level: 'restore', backup: { id: base.id } });
		expect(await readdir(root)).toEqual([]);
	} finally {
		container.kill('SIGTERM');
		await once(container, 'exit');
	}
});

test('a recovery container that was killed hard takes its server back when it comes again', async () => {
	const port = await freePort();
	const start = () =>
		spawn('sh', [join(project, 'docker', 'postgres-recovery.sh')], {
			env: { PATH: process.env.PATH, RECOVERY_ROOT: root, RECOVERY_PORT: String(port), RECOVERY_LISTEN: '127.0.0.1', POSTGRES: join(SERVER_FOLDER, 'postgres') },
			stdio: 'ignore',
		});
	const folder = join(root, 'killed');
	const connection = { ...server.connection, port };
	const rows = async () => await withClient(connection, { signal: context.signal, applicationName: 'test' }, async (client) => (await client.query<{ n: number }>('SELECT n FROM public.log')).rows);
	const killed = start();
	await recover(request(folder, { mode: 'handOver', connection, waitSeconds: 60 }), context);
	// All of a container's processes end at once.
	const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
	const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
	killed.kill('SIGKILL');
	for (const each of [pid, ...children]) process.kill(each, 'SIGKILL');
	await until('the server is gone', async () => await rows().then(() => false, () => true));
	expect(await readFile(join(folder, 'status'), 'utf8')).toBe('running\n');

	const again = start();
	try {
		await until('it answers again', async () => await rows().then((found) => found.length === 1, () => false));
		await until('it says so', async () => (await readFile(join(folder, 'status'), 'utf8').catch(() => '')) === 'running\n');
		expect(await stopRecovered({ folder, remove: true }, context)).toMatchObject({ stopped: true, removed: true });
	} finally {
		again.kill('SIGTERM');
		await once(again, 'exit');
	}
}, 120_000);

test('nobody takes it: told so after the wait, and nothing is left', async () => {
	const folder = join(root, 'nobody');
	await expect(recover(request(folder, { mode: 'handOver', connection: server.connection, waitSeconds: 1 }), context)).rejects.toMatchObject({ code: 'TIMED_OUT', message: expect.stringContaining('nobody took the request') });
	expect(await readdir(folder)).toEqual([]);
});

test('laid out only: what PostgreSQL\'s own tools read of it is what we read', async () => {
	const folder = join(root, 'prepared');
	const result = await recover(request(folder, { mode: 'prepareOnly' }), context);
	expect(result).toMatchObject({ server: null, reached: null });
	const data = join(folder, 'data');
	const { stdout } = await run(join(SERVER_FOLDER, 'pg_controldata'), [data], { env: { LC_ALL: 'C' } });
	const said = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(stdout)?.[1];
	expect(await readControlFile(data)).toEqual({
		systemIdentifier: said('Database system identifier'),
		segmentBytes: Number(said('Bytes per WAL segment')),
		maxConnections: Number(said('max_connections setting')),
		maxWorkerProcesses: Number(said('max_worker_processes setting')),
		maxWalSenders: Number(said('max_wal_senders setting')),
		maxPreparedTransactions: Number(said('max_prepared_xacts setting')),
		maxLocksPerTransaction: Number(said('max_locks_per_xact setting')),
	});
	expect(await superuserNames(data, 8192)).toEqual(['postgres', 'other']);
	expect((await readdir(data)).sort()).toEqual(expect.arrayContaining(['backup_label', 'postgresql.conf', 'postgresql.conf.primary', 'recovery.signal']));
});

test('the command line recovers, and the server outlives the job', async () => {
	const command = async (...args: string[]) => await run(process.execPath, [join(project, 'dist/cli/backup-recovery.js'), ...args], { env: { PATH: process.env.PATH } });
	const folder = join(root, 'by-hand');
	const asked = ['recover', '--store', store, '--folder', folder, '--time', target, '--server-folder', SERVER_FOLDER];
	expect((await command(...asked, '--dry-run')).stdout).toContain('Nothing was changed');
	await expect(command(...asked, '--latest')).rejects.toMatchObject({ code: 2 });
	expect((await command(...asked)).stdout).toContain(`psql -h ${folder}/socket`);
	const client = new pg.Client({ host: join(folder, 'socket'), port: 5432, user: 'postgres', database: 'postgres' });
	await client.connect();
	expect((await client.query('SELECT n FROM log')).rows).toEqual([{ n: 1 }]);
	await client.end();
	expect((await command('stop-recovered', '--folder', folder, '--remove')).stdout).toContain('deleted');
	const drill = await command('verify', '--store', store, '--level', 'restore', '--base', base.id, '--server-folder', SERVER_FOLDER, '--folder', root);
	expect(drill.stdout).toContain('passed at level "restore"');
});
