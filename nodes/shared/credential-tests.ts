import type { ICredentialsDecrypted, ICredentialTestFunctions, INodeCredentialTestResult } from 'n8n-workflow';
import { toBackupError } from '../../lib/core/errors';
import { postgresConnection } from './credentials';
import { decryptionOf, encryptionOf } from './encryption-keys';
import { redisConnection } from './redis-credential';
import { lookupStore, runLookup } from './run-node-job';

/** The connection tests behind the credentials' "Test" button. */
export const credentialTest = {
	backupPostgresTest: async function (this: ICredentialTestFunctions, credential: ICredentialsDecrypted): Promise<INodeCredentialTestResult> {
		return await tested(async () => {
			const { serverVersion, user } = await runLookup<'postgres.testConnection'>({
				kind: 'postgres.testConnection',
				connection: postgresConnection(credential.data ?? {}),
			});
			return `Connected as ${user} to PostgreSQL ${serverVersion}`;
		});
	},
	backupRedisTest: async function (this: ICredentialTestFunctions, credential: ICredentialsDecrypted): Promise<INodeCredentialTestResult> {
		return await tested(async () => {
			const { flavor, serverVersion, servers, keys } = await runLookup<'redis.testConnection'>({ kind: 'redis.testConnection', connection: redisConnection(credential.data ?? {}) });
			return `Connected to ${flavor === 'valkey' ? 'Valkey' : 'Redis'} ${serverVersion} at ${servers.join(', ')}, ${keys} keys`;
		});
	},
	backupStoreTest: async function (this: ICredentialTestFunctions, credential: ICredentialsDecrypted): Promise<INodeCredentialTestResult> {
		return await tested(async () => {
			const { store, freeBytes } = await runLookup<'store.test'>({
				kind: 'store.test',
				store: await lookupStore(credential.data ?? {}),
			});
			const free = freeBytes === null ? '' : `, ${(freeBytes / 1e9).toFixed(1)} GB free`;
			return `Wrote, read back and removed a file in ${store}${free}`;
		});
	},
	backupEncryptionTest: async function (this: ICredentialTestFunctions, credential: ICredentialsDecrypted): Promise<INodeCredentialTestResult> {
		return await tested(async () => {
			const data = credential.data ?? {};
			const { encrypts, decrypts, opensOwn } = await runLookup<'encryption.test'>({
				kind: 'encryption.test',
				encryption: encryptionOf(data),
				decryption: decryptionOf(data),
			});
			if (opensOwn === true) return 'Encrypts, and decrypts what it encrypted';
			if (opensOwn === false) return 'Encrypts and decrypts, but the identities belong to other public keys: they cannot open what is encrypted here';
			return encrypts ? 'Encrypts only: what it writes cannot be read here' : `Decrypts only${decrypts ? ': it makes no encrypted backups' : ''}`;
		});
	},
};

async function tested(test: () => Promise<string>): Promise<INodeCredentialTestResult> {
	try {
		return { status: 'OK', message: await test() };
	} catch (error) {
		const reason = toBackupError(error);
		return { status: 'Error', message: `${reason.message} ${reason.hint}` };
	}
}
