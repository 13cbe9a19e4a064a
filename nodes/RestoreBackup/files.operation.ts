import type { NodeExecutionHint } from 'n8n-workflow';
import type { RestoreFilesResult } from '../../lib/jobs/results';
import { backupFields, readBackupChoice } from '../shared/backup-field';
import { fileComponentField, patternsField, readFileComponent, readPatterns } from '../shared/file-fields';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunField, dryRunHints } from './restore-common';

const operation = ['files'];

/** Files back from a backup and its chain: into a new folder, or into the live one with what is replaced kept. */
export const filesOperation: Operation<'files.restore'> = {
	properties: [
		fileComponentField({ operation }),
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latest',
				sourceHelp: 'Name that the backup was given, or the path of the folder. Leave empty to take the newest backup of the component.',
				searchMethod: 'searchFileBackups',
			},
		),
		{
			displayName: 'Restore To',
			name: 'filesMode',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'New Folder Beside', value: 'beside', description: 'A folder that does not exist yet or is empty; nothing that exists is touched' },
				{ name: 'In Place', value: 'inPlace', description: 'The live folder. What is replaced is kept inside it.' },
			],
			default: 'beside',
			description: 'Where the restored files go',
		},
		{
			displayName: 'Target Folder',
			name: 'folder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /app/uploads-restored',
			displayOptions: { show: { operation } },
			description: 'Folder to restore into, as the machine that runs n8n sees it',
			hint: 'n8n must be allowed to use it: N8N_RESTRICT_FILE_ACCESS_TO',
		},
		{
			displayName: 'Existing Files',
			name: 'overwrite',
			type: 'options',
			displayOptions: { show: { operation, filesMode: ['inPlace'] } },
			options: [
				{ name: 'Keep', value: 'never', description: 'Only files that are missing are restored' },
				{ name: 'Replace', value: 'always', description: 'Every file that differs becomes the one of the backup' },
				{ name: 'Replace Older', value: 'older', description: 'Files last changed before the one in the backup was are replaced' },
			],
			default: 'never',
			description: 'What to do with files that are there already. Those that are replaced are kept in a folder named ".before-restore-" and the time.',
		},
		dryRunField('files'),
		confirmationField(
			{ operation, filesMode: ['inPlace'] },
			{ placeholder: 'e.g. uploads', description: 'Type the name of the target folder, so that the wrong one is never changed' },
		),
		optionsCollection(operation, [
			patternsField('exclude', 'What not to restore.'),
			patternsField('include', 'What to restore; without it, everything.'),
			{
				displayName: 'Owner',
				name: 'owner',
				type: 'options',
				options: [
					{ name: 'By Name', value: 'names', description: 'The users and groups with the same names as then, where this machine has them' },
					{ name: 'By Number', value: 'numbers', description: 'The same user and group numbers as then' },
					{ name: 'User of N8n', value: 'none', description: 'The user who runs the job' },
				],
				default: 'numbers',
				description: 'Whom the restored files belong to. Only root can give files to others; without it this is reported and left.',
			},
			{
				displayName: 'Remove Unknown Files',
				name: 'removeUnknown',
				type: 'boolean',
				default: false,
				description: 'Whether to move files away that the backup does not know, so that the folder is exactly as it was. They are kept with the replaced ones. In place only.',
			},
			{
				displayName: 'Suffix',
				name: 'suffix',
				type: 'string',
				default: '',
				placeholder: 'e.g. .restored',
				description: 'Put behind the name of every restored file, so that it lies beside the live one for comparison',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store, decryption, folder }) {
		const options = parameters.collection('options');
		const mode = parameters.choice('filesMode', 'Restore To', ['beside', 'inPlace']);
		const dryRun = parameters.flag('dryRun', 'Dry Run');
		return {
			kind: 'files.restore',
			store: await store(),
			decryption: await decryption(),
			component: readFileComponent(parameters),
			backup: readBackupChoice(parameters),
			folder: await folder(parameters.requiredText('folder', 'Target Folder'), 'Target Folder'),
			mode,
			include: readPatterns(options.raw('include'), 'Include'),
			exclude: readPatterns(options.raw('exclude'), 'Exclude'),
			overwrite: mode === 'inPlace' ? parameters.choice('overwrite', 'Existing Files', ['never', 'older', 'always']) : undefined,
			suffix: options.text('suffix', 'Suffix'),
			removeUnknown: options.flag('removeUnknown', 'Remove Unknown Files'),
			owner: options.choice('owner', 'Owner', ['numbers', 'names', 'none']),
			dryRun,
			confirmation: dryRun || mode === 'beside' ? '' : parameters.text('confirmation', 'Confirmation'),
		};
	},
	items: (result) => [{ restore: plainData(result) }],
	hints: (result) => [...dryRunHints(result), ...refusalHints(result), ...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const)],
};

/** What a dry run found that would stop the restore. */
function refusalHints({ dryRun, checks }: RestoreFilesResult): NodeExecutionHint[] {
	if (!dryRun) return [];
	return checks
		.filter(({ state }) => state === 'failed')
		.map(({ check, detail, hint }) => ({
			message: `This restore would be refused. ${[`${check}: ${detail}`, hint].filter(Boolean).join(' ')}`,
			type: 'danger',
			location: 'outputPane',
		}));
}
