import type { INodeProperties } from 'n8n-workflow';
import { fileComponentField, patternsField, readFileComponent, readPatterns } from '../shared/file-fields';
import type { OperationInput } from '../shared/operation';
import { allowUnencryptedField, compressionField, lockWaitField, noteField, optionsCollection, timeoutField, readLockWaitSeconds } from '../shared/option-fields';

const oneFileSystemField: INodeProperties = {
	displayName: 'One File System',
	name: 'oneFileSystem',
	type: 'boolean',
	default: false,
	description: 'Whether to leave out what is mounted inside the folder. What was left out is named in the backup.',
};

const retriesField: INodeProperties = {
	displayName: 'Retries for Changing Files',
	name: 'retries',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 20, numberPrecision: 0 },
	default: 3,
	description: 'How often a file that changes while it is read is read again. After that it is kept as it was read and named as inconsistent.',
};

const unreadableField: INodeProperties = {
	displayName: 'Unreadable Files',
	name: 'unreadable',
	type: 'options',
	options: [
		{ name: 'Fail', value: 'fail', description: 'The backup fails and names the first of them' },
		{ name: 'Leave Out', value: 'name', description: 'They are left out of the backup and named as a warning' },
	],
	default: 'fail',
	description: 'What to do with files that the user n8n runs as may not read',
};

/** The fields of one operation; `options` are those that only it has. */
export function archiveFields(operation: string, options: INodeProperties[]): INodeProperties[] {
	const show = { operation: [operation] };
	return [
		fileComponentField(show),
		{
			displayName: 'Folder',
			name: 'folder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /app/uploads',
			displayOptions: { show },
			description: 'Folder to back up, as the machine that runs n8n sees it',
			hint: 'n8n must be allowed to read it: N8N_RESTRICT_FILE_ACCESS_TO',
		},
		{
			displayName: 'Name',
			name: 'label',
			type: 'string',
			default: '',
			placeholder: 'e.g. uploads',
			displayOptions: { show },
			description: 'Name by which backups of this folder are found later. Leave empty to use its path. Full and incremental backups of a folder need the same.',
		},
		optionsCollection(
			[operation],
			[
				allowUnencryptedField,
				compressionField,
				patternsField('exclude', 'What to leave out.'),
				patternsField('include', 'What to back up; without it, everything.'),
				noteField,
				oneFileSystemField,
				retriesField,
				timeoutField,
				unreadableField,
				lockWaitField,
				...options,
			].sort((one, other) => (one.displayName < other.displayName ? -1 : 1)),
		),
	];
}

/** The parts that both kinds of job have. */
export async function archiveCommon({ parameters, store, encryption, folder }: OperationInput) {
	const options = parameters.collection('options');
	const path = parameters.requiredText('folder', 'Folder');
	return {
		store: await store(),
		encryption: await encryption(),
		component: readFileComponent(parameters),
		folder: await folder(path, 'Folder'),
		// The path as it was typed: following a link must not start a new series.
		label: parameters.text('label', 'Name') || path.replace(/(?<=.)\/+$/, ''),
		include: readPatterns(options.raw('include'), 'Include'),
		exclude: readPatterns(options.raw('exclude'), 'Exclude'),
		oneFileSystem: options.flag('oneFileSystem', 'One File System'),
		retries: options.number('retries', 'Retries for Changing Files'),
		unreadable: options.choice('unreadable', 'Unreadable Files', ['fail', 'name']),
		allowUnencrypted: options.flag('allowUnencrypted', 'Allow Unencrypted'),
		compressionLevel: options.number('compressionLevel', 'Compression Level'),
		note: options.text('note', 'Note'),
		lockWaitSeconds: readLockWaitSeconds(options),
	};
}
