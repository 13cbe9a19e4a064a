import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { backupCredentials, KEY_HEADER } from './n8n-credentials';
import type { N8nServer, WebhookAnswer } from './n8n-server';
import type { PostgresServer } from './postgres-server';

/** The ids under which the bundled workflows are imported; they never change. */
export const SHIPPED = {
	settings: 'brSettings000001',
	errorAlert: 'brErrorAlert0001',
	fullBackup: 'brBackupFull0001',
	recovery: 'brRecoveryDb0001',
} as const;

/** The database that *Backup: Settings* names as it is shipped. */
export const SHIPPED_DATABASE = 'crm_dashboard';

const FOLDER = join(__dirname, '..', '..', 'workflows');

/** The bundled workflows as a team has them after following the README: imported, with credentials, published. */
export interface InstalledWorkflows {
	/** Calls the recovery webhook as somebody who has its key. */
	recover(body: object): Promise<WebhookAnswer>;
}

export async function installShippedWorkflows(n8n: N8nServer, server: PostgresServer): Promise<InstalledWorkflows> {
	const key = randomBytes(24).toString('hex');
	await n8n.importCredentials(await backupCredentials(server, n8n.storeFolder, key));
	await n8n.importWorkflows(FOLDER);
	await n8n.publish(...Object.values(SHIPPED));
	return { recover: (body) => n8n.webhook('recovery-database', body, { [KEY_HEADER]: key }) };
}
