import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '../../lib/core/errors';
import { ownN8n } from '../../nodes/shared/own-n8n';

const ALLOWED = { BACKUP_RECOVERY_ALLOW_N8N: 'true', N8N_USER_FOLDER: '/home/node' };

test.each([[{}], [{ BACKUP_RECOVERY_ALLOW_N8N: 'false' }], [{ BACKUP_RECOVERY_ALLOW_N8N: '' }]])('with %j n8n may not be backed up, and the error names the variable', (environment) => {
	expect(() => ownN8n(environment, '')).toThrow(BackupError);
	try {
		ownN8n({ ...environment, N8N_ENCRYPTION_KEY: 'secret-key' }, '');
	} catch (error) {
		expect(error).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('BACKUP_RECOVERY_ALLOW_N8N=true') as string });
		expect(JSON.stringify(error)).not.toContain('secret-key');
	}
});

test('on SQLite: the data folder, its database and no key where the settings file has it', () => {
	expect(ownN8n({ ...ALLOWED, N8N_ENCRYPTION_KEY: '' }, '/usr/bin/n8n')).toEqual({
		dataFolder: '/home/node/.n8n',
		encryptionKey: null,
		database: { type: 'sqlite', file: '/home/node/.n8n/database.sqlite' },
		program: '/usr/bin/n8n',
	});
	expect(ownN8n({ ...ALLOWED, DB_SQLITE_DATABASE: '/data/n8n.db' }, '').database).toEqual({ type: 'sqlite', file: '/data/n8n.db' });
});

test('on PostgreSQL: the server of its own variables, also those that name a file', () => {
	const folder = mkdtempSync(join(tmpdir(), 'backup-recovery-own-n8n-'));
	try {
		writeFileSync(join(folder, 'password'), 'p@ss\n');
		writeFileSync(join(folder, 'key'), 'the key\n');
		const place = ownN8n(
			{ ...ALLOWED, DB_TYPE: 'postgresdb', DB_POSTGRESDB_HOST: 'db', DB_POSTGRESDB_PORT: '5433', DB_POSTGRESDB_USER: 'n8n', DB_POSTGRESDB_PASSWORD_FILE: join(folder, 'password'), DB_POSTGRESDB_SCHEMA: 'flows', DB_POSTGRESDB_SSL_CA: 'PEM', N8N_ENCRYPTION_KEY_FILE: join(folder, 'key') },
			'',
		);
		expect(place).toMatchObject({
			encryptionKey: 'the key',
			database: { type: 'postgres', database: 'n8n', schema: 'flows', connection: { host: 'db', port: 5433, user: 'n8n', password: 'p@ss', tls: { mode: 'verify-full', ca: 'PEM' } } },
		});
	} finally {
		rmSync(folder, { recursive: true });
	}
});
