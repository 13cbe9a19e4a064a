import { COMPONENTS } from '../../lib/catalog/component';
import { backupFields, readBackupChoice } from '../shared/backup-field';
import { componentField } from '../shared/component-field';
import { databaseField } from '../shared/database-field';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['crossCheck'];
const ofBackup = { operation, compareWith: ['backup'] };

/** Whether every file that the database knows is there, and the database knows every file. */
export const crossCheckOperation: Operation<'recovery.crossCheck'> = {
	properties: [
		{
			displayName: 'Runs a query of yours in a read-only transaction and compares the file paths that it yields with the files. Nothing is changed.',
			name: 'crossCheckNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		databaseField({
			displayName: 'Database',
			name: 'database',
			description: 'The database whose rows name files, such as one that was restored just now',
			displayOptions: { show: { operation } },
		}),
		{
			displayName: 'Query',
			name: 'sql',
			type: 'string',
			typeOptions: { editor: 'sqlEditor', sqlDialect: 'PostgreSQL', rows: 4 },
			default: '',
			required: true,
			placeholder: 'e.g. SELECT path FROM public.attachments WHERE path IS NOT NULL',
			displayOptions: { show: { operation } },
			description: 'One SELECT with one column: the path of a file. Rows without a value are passed over.',
		},
		{
			displayName: 'Compare With',
			name: 'compareWith',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Backup of Files', value: 'backup', description: 'The list of files in a backup; nothing is restored' },
				{ name: 'Folder', value: 'folder', description: 'The files that are in a folder now' },
			],
			default: 'folder',
			description: 'Where the files are',
		},
		{
			displayName: 'Folder',
			name: 'filesFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /app/uploads',
			displayOptions: { show: { operation, compareWith: ['folder'] } },
			description: 'Absolute path on the machine that runs n8n. n8n must allow it, as with a store.',
		},
		{ ...componentField, default: 'files', displayOptions: { show: ofBackup } },
		...backupFields(ofBackup, {
			defaultChoice: 'latest',
			sourceHelp: 'Name of the folder that was backed up. Leave empty to take the newest backup of the component.',
			searchMethod: 'searchAllBackups',
		}),
		{
			displayName: 'Prefix to Strip',
			name: 'stripPrefix',
			type: 'string',
			default: '',
			placeholder: 'e.g. /uploads/',
			displayOptions: { show: { operation } },
			description: 'What rows have in front of the path inside the folder. A row without it is reported as unusable.',
		},
		optionsCollection(operation, [
			{
				displayName: 'Fail When Different',
				name: 'failWhenDifferent',
				type: 'boolean',
				default: true,
				description: 'Whether to fail, naming the first differences, instead of yielding an item that tells of them',
			},
			{
				displayName: 'Files That Need No Row',
				name: 'ignore',
				type: 'string',
				default: '',
				placeholder: 'e.g. thumbnails/**, *.tmp',
				description: 'Patterns as in Archive Files, separated by commas',
			},
			{
				displayName: 'Folder for Whole Lists',
				name: 'listsFolder',
				type: 'string',
				default: '',
				placeholder: 'e.g. /backups/reports',
				description: 'Absolute path of a folder into which the whole lists of differences are written, one JSON text a line',
			},
			{
				displayName: 'Inside Folder',
				name: 'inside',
				type: 'string',
				default: '',
				placeholder: 'e.g. avatars',
				description: 'Compare only this folder of the files; paths in rows are then relative to it',
			},
			{
				displayName: 'List at Most',
				name: 'listLimit',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 10000, numberPrecision: 0 },
				default: 100,
				description: 'How many of each kind of difference the item names',
			},
			{
				displayName: 'Statement Timeout (Seconds)',
				name: 'statementTimeout',
				type: 'number',
				typeOptions: { minValue: 1 },
				default: 300,
				description: 'How long the server may take for each batch of rows',
			},
			timeoutField,
			{
				displayName: 'URL-Encoded Paths',
				name: 'urlDecode',
				type: 'boolean',
				default: false,
				description: 'Whether rows hold parts of URLs, in which %20 means a space',
			},
		]),
	],

	async job(input) {
		const { parameters, connection, decryption, folder } = input;
		const options = parameters.collection('options');
		const listsFolder = options.text('listsFolder', 'Folder for Whole Lists');
		return {
			kind: 'recovery.crossCheck',
			connection: await connection(),
			database: parameters.located('database', 'Database'),
			sql: parameters.requiredText('sql', 'Query'),
			files: await readFilesSide(input),
			stripPrefix: parameters.text('stripPrefix', 'Prefix to Strip'),
			inside: options.text('inside', 'Inside Folder'),
			ignore: (options.text('ignore', 'Files That Need No Row') ?? '').split(/[,\n]/).map((pattern) => pattern.trim()).filter((pattern) => pattern !== ''),
			urlDecode: options.flag('urlDecode', 'URL-Encoded Paths'),
			listLimit: options.number('listLimit', 'List at Most'),
			listsFolder: listsFolder === undefined ? null : await folder(listsFolder, 'Folder for Whole Lists'),
			statementTimeoutSeconds: options.number('statementTimeout', 'Statement Timeout (Seconds)'),
			failWhenDifferent: options.flag('failWhenDifferent', 'Fail When Different'),
			decryption: await decryption(),
		};
	},
	items: (crossCheck) => [{ crossCheck: plainData(crossCheck) }],
};

async function readFilesSide({ parameters, store, folder }: OperationInput) {
	const by = parameters.choice('compareWith', 'Compare With', ['folder', 'backup']);
	if (by === 'folder') return { by, folder: await folder(parameters.requiredText('filesFolder', 'Folder'), 'Folder') };
	const component = parameters.choice('component', 'Component', COMPONENTS);
	return { by, store: await store(), component, backup: readBackupChoice(parameters) };
}
