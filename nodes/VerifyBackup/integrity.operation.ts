import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['integrity'];

/** Whether a backup's bytes are as written and the tool of its format can read all of them. */
export const integrityOperation: Operation<'verify.integrity'> = {
	properties: [
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latest',
				sourceHelp: 'Name of the database that was backed up. Leave empty to take the newest backup of any database.',
				searchMethod: 'searchAllBackups',
			},
		),
		{
			displayName: 'Level',
			name: 'level',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Checksum', value: 'checksum', description: 'Every byte is as it was written' },
				{ name: 'Structure', value: 'structure', description: 'Checksum, and pg_restore reads all of the archive' },
			],
			default: 'structure',
			description: 'How far to check. Only a restore drill proves that a backup restores.',
		},
		optionsCollection(operation, [
			{
				displayName: 'Client Folder',
				name: 'clientFolder',
				type: 'string',
				default: '',
				placeholder: 'e.g. /usr/lib/postgresql/15/bin',
				description: 'Folder that holds pg_restore. Without it, the usual folders are searched.',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store }) {
		return {
			kind: 'verify.integrity',
			store: await store(),
			backup: readBackupChoice(parameters),
			level: parameters.choice('level', 'Level', ['checksum', 'structure']),
			clientFolder: parameters.collection('options').text('clientFolder', 'Client Folder'),
		};
	},
	items: verificationItems,
};
