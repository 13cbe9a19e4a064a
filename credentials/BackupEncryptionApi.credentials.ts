import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';

export class BackupEncryptionApi implements ICredentialType {
	name = 'backupEncryptionApi';

	displayName = 'Backup Encryption API';

	icon: Icon = { light: 'file:backupEncryption.svg', dark: 'file:backupEncryption.dark.svg' };

	documentationUrl = 'https://age-encryption.org/v1';

	properties: INodeProperties[] = [
		{
			displayName: 'Method',
			name: 'method',
			type: 'options',
			options: [
				{
					name: 'Key Pair',
					value: 'recipients',
					description: 'Encrypts with a public key. The n8n that makes the backups cannot read them.',
				},
				{ name: 'Passphrase', value: 'passphrase', description: 'Encrypts and decrypts with one passphrase' },
			],
			default: 'recipients',
			description: 'How backups are encrypted. Both are formats of the tool age, which can decrypt every file without this package.',
		},
		{
			displayName: 'Public Keys',
			name: 'recipients',
			type: 'string',
			typeOptions: { rows: 3 },
			default: '',
			placeholder: 'e.g. age1…',
			description:
				'One per line, as "age-keygen" prints them. Each of the matching identities can decrypt on its own: keep a second one in a safe place. Needed to back up.',
			displayOptions: { show: { method: ['recipients'] } },
		},
		{
			displayName: 'Identities',
			name: 'secretKeys',
			type: 'string',
			typeOptions: { password: true, rows: 3 },
			default: '',
			placeholder: 'e.g. AGE-SECRET-KEY-1…',
			description: 'One per line. Needed only where something is restored or opened: leave it empty in the n8n that makes the backups, and keep it outside.',
			displayOptions: { show: { method: ['recipients'] } },
		},
		{
			displayName: 'Passphrase',
			name: 'passphrase',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'At least 12 characters; better six random words. Whoever loses it loses the backups.',
			displayOptions: { show: { method: ['passphrase'] } },
		},
	];
}
