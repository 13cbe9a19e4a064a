import { startN8n, type N8nServer } from '../support/n8n-server';
import { type NpmStandIn, standInForNpm } from '../support/npm-stand-in';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import manifest from '../../package.json';

let server: PostgresServer;
let packed: PackedPackage;
let npm: NpmStandIn;
let n8n: N8nServer;

beforeAll(async () => {
	[server, packed] = await Promise.all([startPostgres(), packPackage()]);
	npm = await standInForNpm(manifest, packed.tarball);
	n8n = await startN8n({ databaseServer: server, env: { PATH: npm.path } });
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await npm?.remove();
	await packed?.remove();
	await server?.stop();
}, 60_000);

test("n8n's own installer takes the tarball, and its nodes run", async () => {
	const installed = await n8n.rest.request<{ packageName: string; installedVersion: string; installedNodes: Array<{ type: string }> }>(
		'POST',
		'/rest/community-packages',
		{ name: manifest.name },
	);
	expect(installed.packageName).toBe('n8n-nodes-backup-recovery');
	expect(installed.installedVersion).toBe(manifest.version);
	expect(installed.installedNodes.map((node) => node.type).sort()).toEqual([
		'n8n-nodes-backup-recovery.archiveFiles',
		'n8n-nodes-backup-recovery.backupCatalog',
		'n8n-nodes-backup-recovery.n8nSnapshot',
		'n8n-nodes-backup-recovery.postgresBasebackup',
		'n8n-nodes-backup-recovery.postgresDump',
		'n8n-nodes-backup-recovery.postgresWalTrigger',
		'n8n-nodes-backup-recovery.redisSnapshot',
		'n8n-nodes-backup-recovery.restoreBackup',
		'n8n-nodes-backup-recovery.verifyBackup',
	]);
	expect(await npm.commands()).toContainEqual(expect.stringMatching(/^pack n8n-nodes-backup-recovery@/));

	await n8n.importCredentials([{ id: 'brStoreCred00001', name: 'Backup Store', type: 'backupStoreApi', data: { type: 'folder', path: n8n.storeFolder, prefix: '' } }]);
	await n8n.importWorkflow({
		id: 'brListBackups001',
		name: 'List',
		active: false,
		settings: { executionOrder: 'v1' },
		nodes: [
			{ id: 'start', name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} },
			{
				id: 'list',
				name: 'List',
				type: 'n8n-nodes-backup-recovery.backupCatalog',
				typeVersion: 1,
				position: [200, 0],
				parameters: { operation: 'list' },
				credentials: { backupStoreApi: { id: 'brStoreCred00001', name: 'Backup Store' } },
			},
		],
		connections: { Start: { main: [[{ node: 'List', type: 'main', index: 0 }]] } },
	});
	const execution = await n8n.execute('brListBackups001', 'Start');
	expect(execution.describe()).toBe(`execution ${execution.id} is "success" after: Start > List`);
}, 400_000);
