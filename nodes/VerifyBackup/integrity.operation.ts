import { COMPONENTS } from '../../lib/catalog/component';
import { backupFields, readBackupChoice } from '../shared/backup-field';
import { componentField } from '../shared/component-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['integrity'];

/** Whether a backup's bytes are as written and the tool of its format can read all of them. */
export const integrityOperation: Operation<'verify.integrity'> = {
	properties: [
		{ ...componentField, displayOptions: { show: { operation } } },
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latest',
				sourceHelp: 'Name of what was backed up, e.g. the database. Leave empty to take the newest backup of any.',
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
				{ name: 'Structure', value: 'structure', description: 'Checksum, and the tool of its format reads all of it' },
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
				description: 'Folder that holds pg_restore, for backups of PostgreSQL. Without it, the usual folders are searched.',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store, decryption }) {
		return {
			kind: 'verify.integrity',
			store: await store(),
			decryption: await decryption(),
			component: parameters.choice('component', 'Component', COMPONENTS),
			backup: readBackupChoice(parameters),
			level: parameters.choice('level', 'Level', ['checksum', 'structure']),
			clientFolder: parameters.collection('options').text('clientFolder', 'Client Folder'),
		};
	},
	items: verificationItems,
};
