import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The workflows are long rows: a wide window keeps their notes readable. */
export const PICTURE_WIDTH = 2560;

/** A node as it should be photographed: its file name and the values in its fields. */
export interface Panel {
	readonly file: string;
	readonly name: string;
	readonly type: string;
	readonly parameters: Record<string, unknown>;
	readonly credentials: Record<string, { id: string; name: string }>;
}

const postgres = { backupPostgresApi: { id: 'brPostgresCred01', name: 'Backup Postgres' } };
const encryption = { backupEncryptionApi: { id: 'brEncryptCred001', name: 'Backup Encryption' } };
const store = { backupStoreApi: { id: 'brStoreCred00001', name: 'Backup Store' } };
const locator = (value: string, mode = 'name') => ({ __rl: true, mode, value });

export const PANELS: readonly Panel[] = [
	{
		file: 'node-postgres-dump',
		name: 'Postgres Dump',
		type: 'postgresDump',
		parameters: { operation: 'database', database: locator('crm_dashboard'), options: { fingerprint: true } },
		credentials: { ...postgres, ...store },
	},
	{
		file: 'node-postgres-basebackup',
		name: 'Postgres Basebackup',
		type: 'postgresBasebackup',
		parameters: { operation: 'full', sourceName: 'main', options: {} },
		credentials: { ...postgres, ...store, ...encryption },
	},
	{
		file: 'node-archive-files',
		name: 'Archive Files',
		type: 'archiveFiles',
		parameters: { operation: 'incremental', component: 'files', folder: '/app/uploads', label: 'uploads', options: { exclude: '**/*.tmp' } },
		credentials: { ...store, ...encryption },
	},
	{
		file: 'node-redis-snapshot',
		name: 'Redis Snapshot',
		type: 'redisSnapshot',
		parameters: { operation: 'snapshot', sourceName: 'sessions', options: {} },
		credentials: { backupRedisApi: { id: 'brRedisCred00001', name: 'Backup Redis' }, ...store, ...encryption },
	},
	{
		file: 'node-n8n-snapshot',
		name: 'n8n Snapshot',
		type: 'n8nSnapshot',
		parameters: { operation: 'snapshot', instance: 'own', options: {} },
		credentials: { ...store, ...encryption },
	},
	{
		file: 'node-restore-backup',
		name: 'Restore Backup',
		type: 'restoreBackup',
		parameters: {
			operation: 'postgresDatabase',
			backupChoice: 'latestVerified',
			targetMode: 'swap',
			targetDatabase: locator('crm_dashboard'),
			dryRun: false,
			confirmation: 'crm_dashboard',
		},
		credentials: { ...postgres, ...store },
	},
	{
		file: 'node-verify-backup',
		name: 'Verify Backup',
		type: 'verifyBackup',
		parameters: { operation: 'restoreDrill', backupChoice: 'latest', source: 'crm_dashboard' },
		credentials: { ...postgres, ...store },
	},
	{
		file: 'node-backup-catalog',
		name: 'Backup Catalog',
		type: 'backupCatalog',
		parameters: { operation: 'prune', mode: 'plan', keepLastVerified: 3, keepDays: 30, options: { weekly: 4, monthly: 6 } },
		credentials: store,
	},
];

export const PANEL_WORKFLOW = 'brPicturePanels1';

/** A workflow that holds one of each node. */
export function panelWorkflow(): object {
	const trigger = { id: 'trigger', name: 'Run Now', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} };
	const nodes = PANELS.map((panel, index) => ({
		id: panel.file,
		name: panel.name,
		type: `n8n-nodes-backup-recovery.${panel.type}`,
		typeVersion: 1,
		position: [240 * (index + 1), 0],
		parameters: panel.parameters,
		credentials: panel.credentials,
	}));
	const names = [trigger.name, ...PANELS.map((panel) => panel.name)];
	const connections = Object.fromEntries(
		names.slice(0, -1).map((name, index) => [name, { main: [[{ node: names[index + 1], type: 'main', index: 0 }]] }]),
	);
	return { id: PANEL_WORKFLOW, name: 'Pictures of the nodes', active: false, settings: { executionOrder: 'v1' }, nodes: [trigger, ...nodes], connections };
}

interface Shipped {
	readonly id: string;
	readonly nodes: readonly { readonly position: readonly [x: number, y: number]; readonly parameters: { readonly width?: number; readonly height?: number } }[];
}

const FOLDER = join(__dirname, '..', '..', 'workflows');

/** The shipped workflows, each by its file's name, with the height of window that shows it at the width of `PICTURE_WIDTH`. */
export const WORKFLOWS = readdirSync(FOLDER)
	.filter((name) => name.endsWith('.json'))
	.sort()
	.map((name) => {
		const { id, nodes } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Shipped;
		return { file: `workflow-${basename(name, '.json')}`, id, height: windowHeight(nodes) };
	});

function windowHeight(nodes: Shipped['nodes']): number {
	const right = Math.max(...nodes.map(({ position, parameters }) => position[0] + (parameters.width ?? 100)));
	const bottom = Math.max(...nodes.map(({ position, parameters }) => position[1] + (parameters.height ?? 100)));
	const left = Math.min(...nodes.map(({ position }) => position[0]));
	const top = Math.min(...nodes.map(({ position }) => position[1]));
	const shape = (bottom - top) / (right - left);
	return Math.round(Math.min(1700, Math.max(900, PICTURE_WIDTH * shape + 350)));
}
