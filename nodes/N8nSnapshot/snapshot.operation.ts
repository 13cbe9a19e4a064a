import { join } from 'node:path';
import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation, OperationInput } from '../shared/operation';
import { allowUnencryptedField, compressionField, lockWaitField, noteField, optionsCollection, timeoutField, readLockWaitSeconds } from '../shared/option-fields';
import type { N8nPlace } from '../shared/own-n8n';

const operation = ['snapshot'];

/** Everything that an empty n8n needs to become this one. */
export const snapshotOperation: Operation<'n8n.backup'> = {
	properties: [
		{
			displayName:
				'The backup holds every credential and the key that opens them. Give the node a "Backup Encryption" credential, and keep its identity outside of n8n.',
			name: 'snapshotNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		{
			displayName: 'N8n to Back Up',
			name: 'instance',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Another One, by Its Data Folder', value: 'folder', description: 'An n8n on SQLite whose data folder this n8n may read' },
				{ name: 'This One', value: 'own', description: 'The n8n that runs this workflow, on SQLite or PostgreSQL' },
			],
			default: 'own',
			description: 'Which n8n is backed up',
		},
		{
			displayName: 'Data Folder',
			name: 'dataFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /srv/other-n8n/.n8n',
			displayOptions: { show: { operation, instance: ['folder'] } },
			description: 'Folder of the other n8n with its files "config" and "database.sqlite"',
		},
		optionsCollection(operation, [
			allowUnencryptedField,
			{
				displayName: 'Binary Data',
				name: 'binaryData',
				type: 'boolean',
				default: false,
				description: "Whether to include n8n's folder of binary data, which belongs to executions",
			},
			compressionField,
			{
				displayName: 'Executions',
				name: 'executions',
				type: 'boolean',
				default: false,
				description: 'Whether to include the history of executions, which may be larger than all the rest',
			},
			{
				displayName: 'Name',
				name: 'name',
				type: 'string',
				default: 'n8n',
				description: 'What tells the backups of this n8n from those of others in the same store',
			},
			noteField,
			timeoutField,
			lockWaitField,
		]),
	],

	async job(input) {
		const options = input.parameters.collection('options');
		return {
			kind: 'n8n.backup',
			...(await placeOf(input)),
			store: await input.store(),
			encryption: await input.encryption(),
			allowUnencrypted: options.flag('allowUnencrypted', 'Allow Unencrypted'),
			name: options.text('name', 'Name'),
			executions: options.flag('executions', 'Executions'),
			binaryData: options.flag('binaryData', 'Binary Data'),
			compressionLevel: options.number('compressionLevel', 'Compression Level'),
			note: options.text('note', 'Note'),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: backupItems,
	hints: warningHints,
};

async function placeOf({ parameters, ownN8n, folder }: OperationInput): Promise<N8nPlace> {
	switch (parameters.choice('instance', 'N8n to Back Up', ['own', 'folder'])) {
		case 'own':
			return ownN8n();
		case 'folder': {
			const dataFolder = await folder(parameters.requiredText('dataFolder', 'Data Folder'), 'Data Folder');
			return { dataFolder, encryptionKey: null, database: { type: 'sqlite', file: join(dataFolder, 'database.sqlite') }, program: '' };
		}
	}
}
