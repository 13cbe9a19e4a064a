import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RedisServer, startRedis } from '../../support/redis-server';

const run = promisify(execFile);
const commandLine = join(__dirname, '../../../dist/cli/backup-recovery.js');
jest.setTimeout(60_000);
let server: RedisServer;
let folder: string;
beforeAll(async () => {
	server = await startRedis({ password: 'secret' });
	folder = await mkdtemp(join(tmpdir(), 'backup-recovery-cli-'));
});
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
	await server.stop();
});
const command = async (...args: string[]) => await run(process.execPath, [commandLine, ...args], { env: { PATH: process.env.PATH, REDISCLI_AUTH: 'secret' } });

test('backs Redis up from a job file, drills, and restores it, with no n8n anywhere', async () => {
	await server.redis.mset('a', '1', 'b', '2');
	const job = join(folder, 'job.json');
	const store = { type: 'folder', path: folder };
	await writeFile(job, JSON.stringify({ kind: 'redis.snapshot', connection: { deployment: { mode: 'standalone', host: '127.0.0.1', port: server.port }, password: { fromEnvironment: 'REDISCLI_AUTH' } }, store, name: 'sessions' }));
	await command('run', job);
	expect((await command('verify', '--store', folder, '--component', 'redis')).stdout).toContain('passed at level "structure"');
	expect((await command('verify', '--store', folder, '--component', 'redis', '--level', 'restore')).stdout).toContain('2 keys');

	await server.redis.set('a', 'wrecked');
	const restore = ['restore-redis', '--store', folder, '--source', 'sessions', '--host', '127.0.0.1', '--port', String(server.port), '--existing', 'overwrite', '--pattern', 'a', '--pattern', 'x*'];
	expect((await command(...restore, '--dry-run')).stdout).toContain('Nothing was changed');
	await expect(command(...restore)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('NOT_CONFIRMED') });
	expect((await command(...restore, '--confirm', `127.0.0.1:${server.port}`)).stdout).toContain('1 keys');
	expect(await server.redis.get('a')).toBe('1');

	const out = join(folder, 'out');
	await mkdir(out);
	expect((await command('restore-redis', '--store', folder, '--mode', 'file', '--folder', out)).stdout).toMatch(/Now:\n1\. .*dump\.rdb/);
});
