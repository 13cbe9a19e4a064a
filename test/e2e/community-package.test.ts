import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FORM_LOGIN, folderPlace } from '../support/n8n-credentials';
import { FormVisit } from '../support/n8n-form';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { type NpmStandIn, standInForNpm } from '../support/npm-stand-in';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { installShippedWorkflows, SHIPPED } from '../support/shipped-workflows';
import manifest from '../../package.json';

let server: PostgresServer;
let packed: PackedPackage;
let npm: NpmStandIn;
let n8n: N8nServer;
let folder: string;

beforeAll(async () => {
	[server, packed] = await Promise.all([startPostgres(), packPackage()]);
	npm = await standInForNpm(manifest, packed.tarball);
	folder = await mkdtemp(join(tmpdir(), 'backup-recovery-community-'));
	n8n = await startN8n({ databaseServer: server, allowedFolders: [folder], env: { PATH: npm.path } });
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	if (folder !== undefined) await rm(folder, { recursive: true });
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

test('its workflows in Portuguese back up and bring back, with names, choices and typed words in Portuguese', async () => {
	const workflows = join(n8n.userFolder, '.n8n', 'nodes', 'node_modules', manifest.name, 'dist', 'workflows', 'pt-BR');
	const [config, second] = [join(folder, 'config'), join(folder, 'second')] as const;
	await Promise.all([mkdir(config), mkdir(second)]);
	await writeFile(join(config, 'app.conf'), 'listen 8080\n');
	const places = [folderPlace(n8n.storeFolder), folderPlace(second), folderPlace(second)] as const;
	const { recover } = await installShippedWorkflows(n8n, server, { workflows, places, settings: { 'folders.config': config } });

	const backup = await n8n.execute(SHIPPED.configurationBackup, 'Executar Agora');
	expect(backup.describe()).toMatch(/ > Concluído > Próximo Esperado > Informar Sucesso$/);
	expect(backup.items<{ summary: string }>('Relatório')[0]?.summary).toMatch(/^1 backups, 0\.0 MB, em 2 locais; 0 antigos apagados\./);

	const files = await FormVisit.begin(n8n.url, 'recovery-files', ['Configuração', '', '', 'Ana'], FORM_LOGIN);
	expect(await files.page()).toContain('Digite RESTAURAR CONFIGURAÇÃO para fazê-lo. Qualquer outra coisa deixa tudo como está.');
	await files.submit(['', 'RESTAURAR CONFIGURAÇÃO']);
	expect(await files.page()).toContain('terminando em .restored');
	expect(await readFile(join(config, 'app.conf.restored'), 'utf8')).toBe('listen 8080\n');

	const untyped = await recover({ confirm: 'RESTORE crm_dashboard' });
	expect(untyped.status).toBe(400);
	expect(JSON.parse(untyped.body)).toMatchObject({ confirm: 'RESTAURAR crm_dashboard', message: 'Nada foi alterado. Para restaurar crm_dashboard, envie "confirm": "RESTAURAR crm_dashboard" no corpo.' });

	const test = await n8n.execute(SHIPPED.notify, 'Enviar um Teste');
	expect(test.items<{ text: string }>('Mensagem')[0]?.text).toMatch(/^PROBLEMA: Isto é um teste\nAlguém executou Backup: Avisar à mão\.\nDesde: /);
}, 300_000);
