import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';
import { s3Properties } from './s3-properties';

export class BackupStoreApi implements ICredentialType {
	name = 'backupStoreApi';

	displayName = 'Backup Store API';

	icon: Icon = { light: 'file:backupStore.svg', dark: 'file:backupStore.dark.svg' };

	documentationUrl = 'https://docs.n8n.io/hosting/configuration/environment-variables/security/';

	properties: INodeProperties[] = [
		{
			displayName: 'Type',
			name: 'type',
			type: 'options',
			options: [
				{
					name: 'Local Folder',
					value: 'folder',
					description: 'A folder on the machine that runs n8n, or a disk that is mounted there',
				},
				{
					name: 'S3',
					value: 's3',
					description: 'A bucket of Amazon S3 or of a service that speaks its protocol',
				},
			],
			default: 'folder',
			description: 'What kind of store holds the backups',
		},
		{
			displayName: 'Folder',
			name: 'path',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /backups',
			description:
				'Absolute path. n8n must allow it: add it to the environment variable N8N_RESTRICT_FILE_ACCESS_TO. Use a disk that survives the loss of the server.',
			displayOptions: { show: { type: ['folder'] } },
		},
		...s3Properties,
		{
			displayName: 'Prefix',
			name: 'prefix',
			type: 'string',
			default: '',
			placeholder: 'e.g. production',
			description: 'Folder inside the store, so that several installations can share one place',
		},
	];
}
