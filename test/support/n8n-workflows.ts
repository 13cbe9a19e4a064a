const POSTGRES = { backupPostgresApi: { id: 'brPostgresCred01', name: 'Backup Postgres' } };

/** A workflow that dumps one database when somebody presses the button, in the n8n JSON form. */
export function dumpWorkflow(options: { id: string; database: string; storeCredential?: string; errorWorkflow?: string }): object {
	const store = { backupStoreApi: { id: options.storeCredential ?? 'brStoreCred00001', name: 'Backup Store' } };
	return workflow(options.id, options.errorWorkflow, [
		node('Dump', 'n8n-nodes-backup-recovery.postgresDump', { operation: 'database', database: { __rl: true, mode: 'name', value: options.database }, selection: {}, options: {} }, { ...POSTGRES, ...store }),
	]);
}

/** A workflow that proves the newest backup of a database by a restore drill and then restores what is proven into a new database. */
export function drillAndRestoreWorkflow(options: { id: string; database: string; newDatabase: string }): object {
	const credentials = { ...POSTGRES, backupStoreApi: { id: 'brStoreCred00001', name: 'Backup Store' }, backupEncryptionApi: { id: 'brEncryptCred001', name: 'Backup Encryption' } };
	const drill = { operation: 'restoreDrill', backupChoice: 'latest', source: options.database, createRoles: false, options: {} };
	const restore = {
		operation: 'postgresDatabase', backupChoice: 'latestVerified', source: options.database, targetMode: 'new', newDatabase: options.newDatabase,
		dryRun: false, globalsChoice: 'none', options: { minimumVerification: 'restore' },
	};
	return workflow(options.id, undefined, [
		node('Drill', 'n8n-nodes-backup-recovery.verifyBackup', drill, credentials),
		node('Restore', 'n8n-nodes-backup-recovery.restoreBackup', restore, credentials),
	]);
}

/** A workflow that lists every backup of the store. */
export function listWorkflow(id: string): object {
	const store = { backupStoreApi: { id: 'brStoreCred00001', name: 'Backup Store' } };
	return workflow(id, undefined, [node('List', 'n8n-nodes-backup-recovery.backupCatalog', { operation: 'list', options: {} }, store)]);
}

interface WorkflowNode {
	readonly name: string;
}

function workflow(id: string, errorWorkflow: string | undefined, nodes: WorkflowNode[]): object {
	const triggers = [
		node('Start', 'n8n-nodes-base.manualTrigger', {}),
		{ ...node('Call', 'n8n-nodes-base.webhook', { path: id, httpMethod: 'POST', responseMode: 'onReceived', options: {} }), typeVersion: 2, webhookId: id },
	];
	const to = (name: string | undefined) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });
	const first = to(nodes[0]?.name);
	const onwards = nodes.slice(1).map(({ name }, before) => [nodes[before]?.name, to(name)]);
	return {
		id,
		name: id,
		active: false,
		settings: { executionOrder: 'v1', saveManualExecutions: true, ...(errorWorkflow === undefined ? {} : { errorWorkflow }) },
		nodes: [...triggers, ...nodes],
		connections: { Start: first, Call: first, ...Object.fromEntries(onwards) },
	};
}

function node(name: string, type: string, parameters: object, credentials: object = {}) {
	return { id: name.toLowerCase(), name, type, typeVersion: 1, position: [0, 0], parameters, credentials };
}
