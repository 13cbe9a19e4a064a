import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunField, dryRunHints } from './restore-common';

const operation = ['n8n'];

/** Another n8n, which is stopped and whose data folder this one may write, becomes the one that was backed up. */
export const n8nOperation: Operation<'n8n.restore'> = {
	properties: [
		{
			displayName:
				'This restores into the data folder of another n8n that is stopped. The n8n that runs this workflow cannot restore itself: stop it and use "backup-recovery restore-n8n" in a shell.',
			name: 'n8nNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...backupFields(
			{ operation },
			{ defaultChoice: 'latestVerified', sourceHelp: 'Name that the n8n was backed up under. Leave empty to take the newest backup of any n8n.', searchMethod: 'searchN8nBackups' },
		),
		{
			displayName: 'Data Folder',
			name: 'dataFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /srv/new-n8n/.n8n',
			displayOptions: { show: { operation } },
			description: 'The folder that becomes the data folder of the restored n8n. It is created where it is missing.',
		},
		dryRunField('n8n'),
		confirmationField({ operation }, { placeholder: 'e.g. /srv/new-n8n/.n8n', description: 'Where the folder already holds an n8n: type the folder, so that the wrong one is never replaced' }),
		optionsCollection(operation, [
			{
				displayName: 'Replace Key',
				name: 'replaceKey',
				type: 'boolean',
				default: false,
				description: 'Whether to replace another encryption key that the folder holds; its file is kept under another name',
			},
			timeoutField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const dryRun = parameters.flag('dryRun', 'Dry Run');
		const typed = parameters.requiredText('dataFolder', 'Data Folder');
		const dataFolder = await input.folder(typed, 'Data Folder');
		const confirmation = dryRun ? '' : parameters.text('confirmation', 'Confirmation');
		return {
			kind: 'n8n.restore',
			store: await input.store(),
			decryption: await input.decryption(),
			backup: readBackupChoice(parameters),
			dataFolder,
			dryRun,
			// What was typed may be a link to the folder that was checked.
			confirmation: confirmation === typed ? dataFolder : confirmation,
			replaceKey: parameters.collection('options').flag('replaceKey', 'Replace Key'),
		};
	},
	items: (result) => [{ restore: plainData(result) }],
	hints: (result) => [...dryRunHints(result), ...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const)],
};
