import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';

export class BackupPostgresApi implements ICredentialType {
	name = 'backupPostgresApi';

	displayName = 'Backup Postgres API';

	icon: Icon = { light: 'file:backupPostgres.svg', dark: 'file:backupPostgres.dark.svg' };

	documentationUrl = 'https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS';

	properties: INodeProperties[] = [
		{
			displayName: 'Host',
			name: 'host',
			type: 'string',
			default: 'localhost',
			required: true,
			placeholder: 'e.g. postgres',
			description: 'Name or address of the server, as seen from the machine that runs n8n',
		},
		{
			displayName: 'Port',
			name: 'port',
			type: 'number',
			default: 5432,
			required: true,
		},
		{
			displayName: 'User',
			name: 'user',
			type: 'string',
			default: 'postgres',
			required: true,
			description: 'It must be able to read everything that is backed up; a restore also needs the right to create databases',
		},
		{
			displayName: 'Password',
			name: 'password',
			type: 'string',
			typeOptions: { password: true },
			default: '',
		},
		{
			displayName: 'Maintenance Database',
			name: 'database',
			type: 'string',
			default: 'postgres',
			description: 'The database to connect to for work that belongs to no other, such as listing or creating databases',
		},
		{
			displayName: 'TLS',
			name: 'tlsMode',
			type: 'options',
			options: [
				{ name: 'Disable', value: 'disable', description: 'Never encrypt' },
				{ name: 'Prefer', value: 'prefer', description: 'Encrypt when the server can' },
				{ name: 'Require', value: 'require', description: 'Encrypt, but trust any certificate' },
				{ name: 'Verify CA', value: 'verify-ca', description: 'Encrypt, and trust only certificates of a known authority' },
				{
					name: 'Verify Full',
					value: 'verify-full',
					description: 'Encrypt, trust only certificates of a known authority, and only for the host above',
				},
			],
			default: 'prefer',
			description: 'Whether the connection is encrypted, and what the server must prove',
		},
		{
			displayName: 'CA Certificate',
			name: 'ca',
			type: 'string',
			typeOptions: { rows: 5 },
			default: '',
			placeholder: '-----BEGIN CERTIFICATE-----',
			description: 'Certificate of the authority, as PEM text. Empty: the authorities that the system trusts.',
			displayOptions: { show: { tlsMode: ['verify-ca', 'verify-full'] } },
		},
		{
			displayName: 'Connect Timeout (Seconds)',
			name: 'connectTimeout',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 15,
			description: 'How long to wait for the server to answer',
		},
		{
			displayName: 'Client Folder',
			name: 'clientFolder',
			type: 'string',
			default: '',
			placeholder: 'e.g. /usr/lib/postgresql/15/bin',
			description: 'Folder that holds pg_dump, pg_dumpall and pg_restore. Empty: PATH and the usual folders are searched.',
		},
	];
}
