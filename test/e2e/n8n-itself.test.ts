import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { RestoreN8nResult } from '../../lib/jobs/results';
import { few } from '../support/breadth';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { type RestoredN8n, startRestoredN8n } from '../support/restored-n8n';

const run = promisify(execFile);
const SECRET = 'only-in-the-credential-4711';
const COMMAND = join(__dirname, '..', '..', 'dist', 'cli', 'backup-recovery.js');

let packed: PackedPackage;
let server: PostgresServer;
let folder: string;
let identity: string;
let identityFile: string;
let api: Server;
const keysSeen: Array<string | string[] | undefined> = [];

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'backup-recovery-n8n-itself-'));
	api = createServer((request, response) => {
		keysSeen.push(request.headers['x-api-key']);
		response.writeHead(request.headers['x-api-key'] === SECRET ? 200 : 403, { 'content-type': 'application/json' }).end('{"answer":"yes"}');
	});
	await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
	[server, packed] = await Promise.all([startPostgres(), packPackage()]);
	identity = await generateIdentity();
	identityFile = join(folder, 'identity.txt');
	writeFileSync(identityFile, `${identity}\n`, { mode: 0o600 });
}, 60_000);

afterAll(async () => {
	await packed?.remove();
	await server?.stop();
	api?.close();
	rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe.each(few(['sqlite', 'postgres'] as const, 1))('an n8n on %s', (database) => {
	let n8n: N8nServer;
	let restored: RestoredN8n | undefined;
	let backup: BackupSummary;
	let storeArguments: string[];
	let serverArguments: string[];

	beforeAll(async () => {
		n8n = await startN8n({ tarball: packed.tarball, ...(database === 'postgres' && { databaseServer: server }), env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
		await n8n.importCredentials([
			{ id: 'brStoreCred00001', name: 'Backup Store', type: 'backupStoreApi', data: { type: 'folder', path: n8n.storeFolder, prefix: '' } },
			{ id: 'brEncryptCred001', name: 'Backup Encryption', type: 'backupEncryptionApi', data: { method: 'recipients', recipients: await identityToRecipient(identity), secretKeys: '' } },
			{ id: 'apiKeyCred000001', name: 'API Key', type: 'httpHeaderAuth', data: { name: 'X-Api-Key', value: SECRET } },
		]);
		await n8n.importWorkflow(snapshotWorkflow('brSnapshotN8n001', true), snapshotWorkflow('brSnapshotPlain1', false), apiWorkflow(`http://127.0.0.1:${(api.address() as AddressInfo).port}/`));
		storeArguments = ['--store', n8n.storeFolder, '--identity-file', identityFile, '--json'];
		const passwordFile = join(folder, 'password');
		writeFileSync(passwordFile, server.password, { mode: 0o600 });
		serverArguments = database === 'sqlite' ? [] : ['--host', server.host, '--port', String(server.port), '--user', server.user, '--password-file', passwordFile];
	}, 240_000);

	afterAll(async () => {
		await restored?.stop();
		await n8n?.stop();
	}, 60_000);

	test('refuses to be backed up without encryption, and says what to set up', async () => {
		const execution = await n8n.execute('brSnapshotPlain1', 'Start');
		expect(execution.status).toBe('error');
		expect(execution.error?.message).toContain('holds secrets');
		expect(execution.error?.description).toContain('Backup Encryption');
	}, 60_000);

	test('is backed up by a workflow that it runs, and the drill passes', async () => {
		await n8n.rest.request('POST', '/rest/tags', { name: 'kept' });
		expect((await n8n.execute('apiCall000000001', 'Start')).describe()).toContain('"success"');
		const execution = await n8n.execute('brSnapshotN8n001', 'Start');
		expect(execution.describe()).toContain('"success"');
		[{ backup }] = execution.items<{ backup: BackupSummary }>('Snapshot') as [{ backup: BackupSummary }];
		expect(backup).toMatchObject({ component: 'n8n', kind: 'full', status: 'success', source: 'n8n', warnings: [] });
		const manifest = readFileSync(join(n8n.storeFolder, 'backups', 'n8n', backup.id, 'manifest.json'), 'utf8');
		expect(JSON.parse(manifest)).toMatchObject({
			source: { database, version: '2.41.1' },
			n8n: { credentials: { count: 3, unreadable: [] }, counts: { workflow_entity: 3, tag_entity: 1, user: 1, execution_data: 0 }, encryptionKey: true },
		});
		expect(manifest).not.toContain(SECRET);
		const drill = await cli<{ level: string; detail: string }>(['verify', '--component', 'n8n', '--level', 'restore', ...serverArguments, ...storeArguments]);
		expect(drill).toMatchObject({ passed: true, level: 'restore' });
		expect(drill.detail).toContain('3 credentials (all open with the key)');
	}, 60_000);

	test('is restored into an empty one, in which the old password logs in and a restored workflow uses a restored credential', async () => {
		const user = join(folder, database);
		const into = ['--data-folder', join(user, '.n8n'), ...serverArguments, ...(database === 'sqlite' ? [] : ['--database', 'n8n_again'])];
		// The folder above it must be there: a mistyped path is not made.
		await expect(cli(['restore-n8n', ...into, ...storeArguments])).rejects.toThrow('INVALID_INPUT');
		mkdirSync(user);
		const dry = await cli<RestoreN8nResult>(['restore-n8n', ...into, '--dry-run', ...storeArguments]);
		expect(dry.checks.filter(({ state }) => state === 'failed')).toEqual([]);
		expect(existsSync(join(user, '.n8n'))).toBe(false);
		const done = await cli<RestoreN8nResult>(['restore-n8n', ...into, ...storeArguments]);
		expect(done).toMatchObject({ dryRun: false, kept: [], backup: { id: backup.id } });
		expect(statSync(join(user, '.n8n', 'config')).mode & 0o777).toBe(0o600);

		await n8n.kill();
		keysSeen.length = 0;
		restored = await startRestoredN8n(user, database === 'sqlite' ? undefined : { server, name: 'n8n_again' });
		await restored.rest.logIn();
		expect((await restored.rest.workflows()).map(({ id }) => id).sort()).toEqual(['apiCall000000001', 'brSnapshotN8n001', 'brSnapshotPlain1']);
		expect(await restored.rest.request('GET', '/rest/tags')).toEqual([expect.objectContaining({ name: 'kept' })]);
		expect(await restored.rest.executions('apiCall000000001')).toEqual([]);
		const execution = await restored.rest.finished(await restored.rest.run('apiCall000000001', 'Start'));
		expect(execution.describe()).toContain('"success"');
		expect(execution.items('Call')).toEqual([{ answer: 'yes' }]);
		expect(keysSeen).toEqual([SECRET]);

		// While it runs, nothing is restored over it.
		const again = cli(['restore-n8n', ...into, '--confirm', join(user, '.n8n'), ...storeArguments]);
		await expect(again).rejects.toThrow(database === 'sqlite' ? 'DATABASE_IN_USE' : 'DATABASE_EXISTS');
	}, 300_000);
});

async function cli<T>(args: readonly string[]): Promise<T> {
	try {
		const { stdout } = await run(process.execPath, [COMMAND, ...args], { maxBuffer: 16 * 1024 * 1024 });
		return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { result: T }).result;
	} catch (error) {
		const { stdout, stderr } = error as { stdout?: string; stderr?: string };
		throw new Error(`${stdout ?? ''}\n${stderr ?? ''}\n${String(error)}`, { cause: error });
	}
}

function snapshotWorkflow(id: string, encrypted: boolean): object {
	const credentials = { backupStoreApi: { id: 'brStoreCred00001', name: 'Backup Store' }, ...(encrypted ? { backupEncryptionApi: { id: 'brEncryptCred001', name: 'Backup Encryption' } } : {}) };
	return workflow(id, { id: 'snapshot', name: 'Snapshot', type: 'n8n-nodes-backup-recovery.n8nSnapshot', typeVersion: 1, position: [200, 0], parameters: { operation: 'snapshot', instance: 'own', options: {} }, credentials });
}

function apiWorkflow(url: string): object {
	return workflow('apiCall000000001', {
		id: 'call',
		name: 'Call',
		type: 'n8n-nodes-base.httpRequest',
		typeVersion: 4.2,
		position: [200, 0],
		parameters: { url, authentication: 'genericCredentialType', genericAuthType: 'httpHeaderAuth', options: {} },
		credentials: { httpHeaderAuth: { id: 'apiKeyCred000001', name: 'API Key' } },
	});
}

function workflow(id: string, node: { readonly name: string; readonly [field: string]: unknown }): object {
	const start = { id: 'start', name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} };
	return { id, name: id, active: false, settings: { executionOrder: 'v1', saveManualExecutions: true }, nodes: [start, node], connections: { Start: { main: [[{ node: node.name, type: 'main', index: 0 }]] } } };
}
