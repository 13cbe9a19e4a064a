import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { N8nCredential } from './n8n-server';
import type { PostgresServer } from './postgres-server';

/** The header of the recovery webhook's key. */
export const KEY_HEADER = 'X-Recovery-Key';

/** The credentials that the shipped workflows name, for a throwaway server and store. */
export async function backupCredentials(server: PostgresServer, storeFolder: string, webhookKey: string): Promise<N8nCredential[]> {
	const { host, port, user, password } = server;
	const identity = await generateIdentity();
	return [
		{ id: 'brPostgresCred01', name: 'Backup Postgres', type: 'backupPostgresApi', data: { host, port, user, password, database: 'postgres', tlsMode: 'prefer', ca: '', connectTimeout: 15, clientFolder: '' } },
		{ id: 'brStoreCred00001', name: 'Backup Store', type: 'backupStoreApi', data: { type: 'folder', path: storeFolder, prefix: '' } },
		{
			id: 'brEncryptCred001',
			name: 'Backup Encryption',
			type: 'backupEncryptionApi',
			data: { method: 'recipients', recipients: await identityToRecipient(identity), secretKeys: identity },
		},
		{ id: 'brWebhookAuth001', name: 'Recovery Webhook Key', type: 'httpHeaderAuth', data: { name: KEY_HEADER, value: webhookKey } },
	];
}
