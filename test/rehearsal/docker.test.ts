import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, n8nEnvironment } from '../support/n8n-environment';
import { n8nFolder } from '../support/n8n-installation';
import { N8nRest } from '../support/n8n-rest';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { until } from '../support/until';

const { load } = jest.requireActual<{ load(text: string): unknown }>('js-yaml');
const run = promisify(execFile);
const project = join(__dirname, '..', '..');
const commandLine = join(project, 'dist', 'cli', 'backup-recovery.js');

interface Service {
	readonly command: readonly string[];
	readonly environment: Readonly<Record<string, string>>;
	readonly healthcheck: { readonly test: readonly string[] };
}

jest.setTimeout(300_000);
let root: string;
let secrets: string;
let services: Readonly<Record<'postgres' | 'redis' | 'n8n', Service>>;
const started: ChildProcess[] = [];

/** Each service's own command, environment and health check, as processes, with folders in the place of volumes and secrets. */
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-docker-'));
	await cp(join(project, 'docker'), join(root, 'docker'), { recursive: true });
	secrets = join(root, 'docker', 'secrets');
	await run('sh', [join(root, 'docker', 'make-secrets.sh')]);
	services = (load(await readFile(join(root, 'docker', 'compose.yaml'), 'utf8')) as { services: typeof services }).services;
});

afterAll(async () => {
	for (const child of started) {
		if (child.exitCode !== null || child.signalCode !== null) continue;
		const gone = new Promise((resolve) => child.once('exit', resolve));
		process.kill(-child.pid!, 'SIGTERM');
		await gone;
	}
	await rm(root, { recursive: true, force: true });
}, 60_000);

const here = (text: string) => text.replaceAll('/run/secrets', secrets);

/** Starts a service as leader of a process group, which afterAll ends. */
function start(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
	const child = spawn(argv[0]!, argv.slice(1), { env, detached: true, stdio: 'ignore' });
	started.push(child);
	return child;
}

/** Runs a health check; `edit` puts in the port of this machine. */
async function isHealthy({ healthcheck: { test: [kind, ...words] } }: Service, edit: (text: string) => string, env: NodeJS.ProcessEnv = {}): Promise<boolean> {
	const argv = kind === 'CMD-SHELL' ? ['sh', '-c', words[0]!.replaceAll('$$', '$')] : words;
	const [program, ...args] = argv.map((word) => edit(here(word)));
	return await run(program!, args, { env: { PATH: process.env.PATH, ...env } }).then(
		() => true,
		() => false,
	);
}

test('secrets are made once, in a folder of their own', async () => {
	const read = async () => await Promise.all((await readdir(secrets)).sort().map(async (name) => [name, await readFile(join(secrets, name), 'utf8')]));
	const before = await read();
	await run('sh', [join(root, 'docker', 'make-secrets.sh')]);
	expect(await read()).toEqual(before);
	expect((await stat(secrets)).mode & 0o777).toBe(0o700);
	for (const [name] of before) expect((await stat(join(secrets, name!))).mode & 0o777).toBe(0o444);
	expect(new Set(before.map(([, text]) => text)).size).toBe(before.length);
});

describe('postgres', () => {
	let server: PostgresServer;
	beforeAll(async () => {
		const settings = services.postgres.command.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]);
		server = await startPostgres({ settings: Object.fromEntries(settings) });
	});
	afterAll(async () => await server?.stop());

	test('takes the settings of its command, and is healthy', async () => {
		expect(await server.query('SHOW wal_level')).toEqual([{ wal_level: 'replica' }]);
		expect(await server.query('SHOW max_slot_wal_keep_size')).toEqual([{ max_slot_wal_keep_size: '10GB' }]);
		expect(await isHealthy(services.postgres, (text) => text, { PGHOST: server.host, PGPORT: String(server.port) })).toBe(true);
		expect(await isHealthy(services.postgres, (text) => text, { PGHOST: server.host, PGPORT: '1' })).toBe(false);
	});

	test('the role that its first start makes can make every kind of backup, and change nothing', async () => {
		await run('sh', [join(root, 'docker', 'init', '10-backup-role.sh')], { env: { PATH: process.env.PATH, POSTGRES_USER: 'postgres', PGHOST: server.host, PGPORT: String(server.port), PGPASSWORD: server.password, SECRETS: secrets } });
		await server.createDatabase('crm_dashboard');
		await server.query('CREATE TABLE deals AS SELECT 1 AS id', 'crm_dashboard');
		const store = join(root, 'store');
		await mkdir(store);
		const connection = { host: server.host, port: server.port, user: 'backup', password: { fromFile: join(secrets, 'backup_password') } };
		const common = { connection, store: { type: 'folder', path: store } };
		for (const job of [{ kind: 'postgres.dumpDatabase', ...common, database: 'crm_dashboard' }, { kind: 'postgres.dumpGlobals', ...common, rolePasswords: false, allowUnencrypted: true }, { kind: 'postgres.baseBackup', ...common, name: 'main' }]) {
			await writeFile(join(root, 'job.json'), JSON.stringify(job));
			const { stdout } = await run(process.execPath, [commandLine, 'run', join(root, 'job.json')]);
			expect(JSON.parse(stdout)).toMatchObject({ backup: { status: 'success' } });
		}
		const asBackup = { PATH: process.env.PATH, PGHOST: server.host, PGPORT: String(server.port), PGUSER: 'backup', PGPASSWORD: await readFile(join(secrets, 'backup_password'), 'utf8'), PGDATABASE: 'crm_dashboard' };
		for (const sql of ['DELETE FROM deals', 'DROP TABLE deals', 'CREATE DATABASE x']) await expect(run('psql', ['-c', sql], { env: asBackup })).rejects.toMatchObject({ stderr: expect.stringMatching(/permission denied|must be owner/) });
	});
});

test('redis asks for the password of its secret, and is healthy', async () => {
	const data = join(root, 'redis');
	await mkdir(data);
	const port = String(await freePort());
	const argv = services.redis.command.map((word) => here(word === '/data' ? data : word));
	start([...argv, '--port', port, '--bind', '127.0.0.1'], { PATH: process.env.PATH });
	await until('Redis is healthy', async () => await isHealthy(services.redis, (text) => text.replace('redis-cli ', `redis-cli -p ${port} `)));
	expect((await run('redis-cli', ['-p', port, 'ping'])).stdout).toContain('NOAUTH');
	expect(await readdir(data)).toContain('appendonlydir');
});

describe('n8n', () => {
	let packed: PackedPackage;
	beforeAll(async () => (packed = await packPackage()), 60_000);
	afterAll(async () => await packed?.remove());

	test('starts by its entry point with the package of the image, and the encryption key of its secret', async () => {
		const opt = join(root, 'opt');
		await run('npm', ['install', '--prefix', opt, '--omit=dev', '--omit=peer', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', packed.tarball]);
		const userFolder = join(root, 'home');
		await mkdir(userFolder);
		const port = await freePort();
		const { N8N_ENCRYPTION_KEY: _, ...machine } = await n8nEnvironment({ userFolder, allowedFolders: [root], port });
		const { N8N_HOST: _h, WEBHOOK_URL: _w, GENERIC_TIMEZONE: _t, ...ours } = services.n8n.environment;
		const volumes = Object.fromEntries(Object.entries(ours).map(([name, value]) => [name, here(value).replaceAll(/(^|;)\/(?=backups|recovery|app|work)/g, `$1${root}/`)]));
		await mkdir(join(root, 'work'));
		const env = { ...machine, ...volumes, BACKUP_RECOVERY_PACKAGE: join(opt, 'node_modules', 'n8n-nodes-backup-recovery') };
		start(['sh', join(root, 'docker', 'n8n-entrypoint.sh'), process.execPath, join(n8nFolder(), 'node_modules', 'n8n', 'bin', 'n8n'), 'start'], env);
		await until('n8n is healthy', async () => await isHealthy(services.n8n, (text) => text.replace(':5678', `:${port}`)), 150);

		expect(await readlink(join(userFolder, '.n8n', 'nodes', 'node_modules', 'n8n-nodes-backup-recovery'))).toBe(env.BACKUP_RECOVERY_PACKAGE);
		expect(JSON.parse(await readFile(join(userFolder, '.n8n', 'config'), 'utf8'))).toMatchObject({ encryptionKey: await readFile(join(secrets, 'n8n_encryption_key'), 'utf8') });
		const rest = new N8nRest(`http://127.0.0.1:${port}`);
		await rest.setUpOwner();
		const nodes = { id: 'rehearsalDocker1', name: 'Who is there?', active: false, settings: {}, connections: { Start: { main: [[{ node: 'List', type: 'main', index: 0 }]] } } };
		await writeFile(
			join(root, 'workflow.json'),
			JSON.stringify([
				{
					...nodes,
					nodes: [
						{ id: 'a', name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} },
						{ id: 'b', name: 'List', type: 'n8n-nodes-backup-recovery.backupCatalog', typeVersion: 1, position: [200, 0], parameters: { operation: 'list' }, credentials: { backupStoreApi: { id: 'dockerStore00001', name: 'Store' } } },
					],
				},
			]),
		);
		await mkdir(join(root, 'backups'));
		await writeFile(join(root, 'credentials.json'), JSON.stringify([{ id: 'dockerStore00001', name: 'Store', type: 'backupStoreApi', data: { type: 'folder', path: join(root, 'backups'), prefix: '' } }]));
		const n8n = async (...args: string[]) => await run(process.execPath, [join(n8nFolder(), 'node_modules', 'n8n', 'bin', 'n8n'), ...args], { env: { ...env, N8N_RUNNERS_BROKER_PORT: String(await freePort()) }, maxBuffer: 1 << 24 });
		await n8n('import:credentials', `--input=${join(root, 'credentials.json')}`);
		await n8n('import:workflow', `--input=${join(root, 'workflow.json')}`);
		expect((await rest.finished(await rest.run('rehearsalDocker1', 'Start'))).describe()).toMatch(/is "success"/);
	});
});
