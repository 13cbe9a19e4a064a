import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

const run = promisify(execFile);
const commandLine = join(__dirname, '../../../dist/cli/backup-recovery.js');
jest.setTimeout(120_000);
let server: PostgresServer;
let folder: string;
let passwordFile: string;

beforeAll(async () => {
	server = await startPostgres();
	folder = await mkdtemp(join(tmpdir(), 'backup-recovery-cli-'));
	passwordFile = join(folder, 'password');
	await writeFile(passwordFile, `${server.password}\n`, { mode: 0o600 });
	await server.createDatabase('crm');
	await server.query(`CREATE TABLE deals AS SELECT g AS id, 'deal ' || g AS name FROM generate_series(1, 1000) g`, 'crm');
}, 60_000);
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
	await server?.stop();
});

const command = async (...args: string[]) => await run(process.execPath, [commandLine, ...args], { env: { PATH: process.env.PATH, DB_PASSWORD: server.password } });
const onServer = () => ['--host', server.host, '--port', String(server.port), '--user', server.user, '--password-file', passwordFile];
const deals = async () => (await server.query<{ count: string; wrong: string }>(`SELECT count(*), count(*) FILTER (WHERE name = 'x') AS wrong FROM deals`, 'crm'))[0];

test('backs up from a job file, lists, verifies, restores by swap, undoes and drops, with no n8n anywhere', async () => {
	const job = join(folder, 'job.json');
	const store = join(folder);
	const connection = { host: server.host, port: server.port, user: server.user, password: { fromEnvironment: 'DB_PASSWORD' } };
	await writeFile(job, JSON.stringify({ kind: 'postgres.dumpDatabase', connection, store: { type: 'folder', path: store }, database: 'crm', fingerprint: true }));
	const dumped = JSON.parse((await command('run', job)).stdout) as { backup: { id: string } };
	const id = dumped.backup.id;

	expect((await command('list', '--store', store)).stdout).toMatch(new RegExp(`${id} .* crm .* not verified`));
	expect((await command('verify', '--store', store)).stdout).toContain('passed at level "structure"');
	expect((await command('verify', '--store', store, '--level', 'restore', ...onServer())).stdout).toContain('passed at level "restore"');
	expect((await command('list', '--store', store)).stdout).toMatch(new RegExp(`${id} .* restore$`, 'm'));
	expect((await command('check', '--store', store, '--component', 'postgres')).stdout).toContain('OK: folder');

	await server.query(`UPDATE deals SET name = 'x'`, 'crm');
	const restore = ['restore', '--store', store, '--database', 'crm', '--backup', 'latest-verified', '--mode', 'swap', ...onServer()];
	expect((await command(...restore, '--dry-run')).stdout).toContain('Nothing was changed');
	await expect(command(...restore)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('NOT_CONFIRMED') });
	expect(await deals()).toEqual({ count: '1000', wrong: '1000' });
	const restored = (await command(...restore, '--confirm', 'crm')).stdout;
	expect(restored).toContain('1 of 1 tables equal to the proof');
	expect(await deals()).toEqual({ count: '1000', wrong: '0' });

	expect((await command('undo-swap', '--database', 'crm', '--confirm', 'crm', ...onServer())).stdout).toContain('former database again');
	expect(await deals()).toEqual({ count: '1000', wrong: '1000' });
	const { stdout } = await command(...restore, '--confirm', 'crm', '--json');
	const { previousDatabase } = (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { result: { previousDatabase: string } }).result;
	expect((await command('drop-previous', '--previous', previousDatabase, '--confirm', previousDatabase, ...onServer())).stdout).toContain(`Dropped ${previousDatabase}`);
	expect(await deals()).toEqual({ count: '1000', wrong: '0' });
});

test('a failure has exit code 1 and names what happened and what to do next', async () => {
	await expect(command('verify', '--store', join(folder, 'nowhere'))).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^STORE_UNAVAILABLE: .*nowhere.*\n\S+/) });
	const wrong = ['restore', '--store', folder, '--database', 'crm', '--host', server.host, '--port', String(server.port), '--mode', 'swap'];
	await expect(command(...wrong)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^AUTHENTICATION_FAILED: /) });
});
