import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';

export class BackupRedisApi implements ICredentialType {
	name = 'backupRedisApi';

	displayName = 'Backup Redis API';

	icon: Icon = { light: 'file:backupRedis.svg', dark: 'file:backupRedis.dark.svg' };

	documentationUrl = 'https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/';

	properties: INodeProperties[] = [
		{
			displayName: 'Deployment',
			name: 'deployment',
			type: 'options',
			options: [
				{ name: 'Cluster', value: 'cluster', description: 'Several masters, each with a part of the keys' },
				{ name: 'Sentinel', value: 'sentinel', description: 'One master and its replicas, watched by Sentinels' },
				{ name: 'Standalone', value: 'standalone', description: 'One server' },
			],
			default: 'standalone',
			description: 'How Redis or Valkey is set up',
		},
		{
			displayName: 'Host',
			name: 'host',
			type: 'string',
			default: 'localhost',
			required: true,
			placeholder: 'e.g. redis',
			description: 'Name or address of the server, as seen from the machine that runs n8n',
			displayOptions: { show: { deployment: ['standalone'] } },
		},
		{
			displayName: 'Port',
			name: 'port',
			type: 'number',
			default: 6379,
			required: true,
			displayOptions: { show: { deployment: ['standalone'] } },
		},
		{
			displayName: 'Sentinels',
			name: 'sentinels',
			type: 'string',
			typeOptions: { rows: 3 },
			default: '',
			placeholder: 'e.g. sentinel-1:26379',
			description: 'One address per line. Each is asked until one answers.',
			displayOptions: { show: { deployment: ['sentinel'] } },
		},
		{
			displayName: 'Master Name',
			name: 'masterName',
			type: 'string',
			default: 'mymaster',
			description: 'The name from "sentinel monitor" in the configuration of the Sentinels',
			displayOptions: { show: { deployment: ['sentinel'] } },
		},
		{
			displayName: 'Sentinel User',
			name: 'sentinelUser',
			type: 'string',
			default: '',
			description: 'ACL user of the Sentinels themselves. Empty: the default user.',
			displayOptions: { show: { deployment: ['sentinel'] } },
		},
		{
			displayName: 'Sentinel Password',
			name: 'sentinelPassword',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'Password of the Sentinels themselves, where they have one',
			displayOptions: { show: { deployment: ['sentinel'] } },
		},
		{
			displayName: 'Nodes',
			name: 'nodes',
			type: 'string',
			typeOptions: { rows: 3 },
			default: '',
			placeholder: 'e.g. redis-1:6379',
			description: 'Some nodes of the cluster, one address per line. The others are found by them.',
			displayOptions: { show: { deployment: ['cluster'] } },
		},
		{
			displayName: 'User',
			name: 'user',
			type: 'string',
			default: '',
			description: 'ACL user; empty: the default user. To back up it needs "+psync +sync +replconf +info +ping", to restore "~* +@all".',
		},
		{
			displayName: 'Password',
			name: 'password',
			type: 'string',
			typeOptions: { password: true },
			default: '',
		},
		{
			displayName: 'TLS',
			name: 'tlsMode',
			type: 'options',
			options: [
				{ name: 'Disable', value: 'disable', description: 'Never encrypt' },
				{ name: 'Require', value: 'require', description: 'Encrypt, but trust any certificate' },
				{ name: 'Verify CA', value: 'verify-ca', description: 'Encrypt, and trust only certificates of a known authority' },
				{
					name: 'Verify Full',
					value: 'verify-full',
					description: 'Encrypt, trust only certificates of a known authority, and only for the host above',
				},
			],
			default: 'disable',
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
			displayName: 'Client Certificate',
			name: 'clientChain',
			type: 'string',
			typeOptions: { rows: 5 },
			default: '',
			placeholder: '-----BEGIN CERTIFICATE-----',
			description: 'Certificate of this client, as PEM text, where the server asks for one ("tls-auth-clients yes")',
			displayOptions: { hide: { tlsMode: ['disable'] } },
		},
		{
			displayName: 'Client Key',
			name: 'clientPrivateKey',
			type: 'string',
			typeOptions: { password: true, rows: 5 },
			default: '',
			placeholder: '-----BEGIN PRIVATE KEY-----',
			description: 'Private key of the client certificate, as PEM text',
			displayOptions: { hide: { tlsMode: ['disable'] } },
		},
		{
			displayName: 'Connect Timeout (Seconds)',
			name: 'connectTimeout',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 15,
			description: 'How long to wait for the server to accept the connection',
		},
		{
			displayName: 'Idle Timeout (Seconds)',
			name: 'idleTimeout',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 60,
			description: 'How long the server may send nothing before it is given up',
		},
	];
}
