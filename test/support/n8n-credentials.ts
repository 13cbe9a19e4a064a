import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { N8nCredential } from './n8n-server';
import type { PostgresServer } from './postgres-server';
import type { RedisServer } from './redis-server';

/** The header of the recovery webhooks' key. */
export const KEY_HEADER = 'X-Recovery-Key';

/** The data of a store credential. */
export type StorePlace = Readonly<Record<string, unknown>>;

export interface CredentialSources {
	readonly server: PostgresServer;
	/** Left out: the credential names a server that does not answer. */
	readonly redis?: RedisServer;
	/** First, second, third place. */
	readonly places: readonly [StorePlace, StorePlace, StorePlace];
	readonly webhookKey: string;
	/** An identity of age; left out: a new one. */
	readonly identity?: string;
}

/** Who may fill in the forms of recoveries. */
export const FORM_LOGIN = { user: 'recovery', password: 'Throwaway-Form-1' } as const;

export function folderPlace(path: string): StorePlace {
	return { type: 'folder', path, prefix: '' };
}

/** The credentials that the shipped workflows name, for throwaway servers and stores. */
export async function backupCredentials({ server, redis, places, webhookKey, ...given }: CredentialSources): Promise<N8nCredential[]> {
	const { host, port, user, password } = server;
	const identity = given.identity ?? (await generateIdentity());
	const [first, second, third] = places;
	const noServer = { host: '127.0.0.1', port: 1, password: '' };
	return [
		{ id: 'brPostgresCred01', name: 'Backup Postgres', type: 'backupPostgresApi', data: { host, port, user, password, database: 'postgres', tlsMode: 'prefer', ca: '', connectTimeout: 15, clientFolder: '' } },
		{ id: 'brRedisCred00001', name: 'Backup Redis', type: 'backupRedisApi', data: redisData(redis ?? noServer) },
		{ id: 'brStoreCred00001', name: 'Backup Store', type: 'backupStoreApi', data: first },
		{ id: 'brStoreCred00002', name: 'Backup Store: Second Place', type: 'backupStoreApi', data: second },
		{ id: 'brStoreCred00003', name: 'Backup Store: Third Place', type: 'backupStoreApi', data: third },
		{ id: 'brTargetStore002', name: 'Backup Store: Second Place', type: 'backupTargetStoreApi', data: second },
		{ id: 'brTargetStore003', name: 'Backup Store: Third Place', type: 'backupTargetStoreApi', data: third },
		{
			id: 'brEncryptCred001',
			name: 'Backup Encryption',
			type: 'backupEncryptionApi',
			data: { method: 'recipients', recipients: await identityToRecipient(identity), secretKeys: identity },
		},
		{ id: 'brFormLogin00001', name: 'Recovery Form Login', type: 'httpBasicAuth', data: FORM_LOGIN },
		{ id: 'brWebhookAuth001', name: 'Recovery Webhook Key', type: 'httpHeaderAuth', data: { name: KEY_HEADER, value: webhookKey } },
	];
}

function redisData({ host, port, password }: { host: string; port: number; password: string }) {
	return { deployment: 'standalone', host, port, user: '', password, tlsMode: 'disable', connectTimeout: 15, idleTimeout: 60 };
}
