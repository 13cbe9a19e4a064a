import type { INodeProperties } from 'n8n-workflow';
import { backupLocator, readBackupId } from './backup-field';
import type { OperationInput } from './operation';
import type { CollectionValues, Parameters } from './parameters';

type Show = NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>;

/** Which base backup a recovery starts from. */
export function baseFields(show: Show): INodeProperties[] {
	return [
		{
			displayName: 'Base Backup',
			name: 'baseChoice',
			type: 'options',
			displayOptions: { show },
			options: [
				{ name: 'Newest Before Target', value: 'newest', description: 'The newest that had ended before the target, and from which archived WAL leads there' },
				{ name: 'Specific Base Backup', value: 'id', description: 'One that you choose from the list, or by its ID' },
			],
			default: 'newest',
			description: 'Which base backup to start from',
		},
		backupLocator({
			displayName: 'Base Backup to Use',
			name: 'base',
			description: 'The base backup, or incremental one, newest first',
			searchMethod: 'searchBaseBackups',
			displayOptions: { show: { ...show, baseChoice: ['id'] } },
		}),
		{
			displayName: 'Backed-Up Server',
			name: 'baseSource',
			type: 'string',
			default: '',
			placeholder: 'e.g. postgres:5432',
			displayOptions: { show: { ...show, baseChoice: ['newest'] } },
			description: 'Name that the base backups were given, by default host and port. Leave empty where the store holds those of one server only.',
		},
	];
}

export function readBase(parameters: Parameters) {
	const by = parameters.choice('baseChoice', 'Base Backup', ['newest', 'id']);
	if (by === 'id') return { by, id: readBackupId(parameters.located('base', 'Base Backup to Use'), 'Base Backup to Use') };
	const source = parameters.text('baseSource', 'Backed-Up Server');
	return source === '' ? { by } : { by, source };
}

/** Fields of "Options" collections of recoveries. */
export const serverFolderField: INodeProperties = {
	displayName: 'Server Folder',
	name: 'serverFolder',
	type: 'string',
	default: '',
	placeholder: 'e.g. /usr/lib/postgresql/15/bin',
	description: 'Folder that holds the program "postgres". Without it, the usual folders are searched for the right version.',
};

export const checkPagesField: INodeProperties = {
	displayName: 'Read All Pages',
	name: 'checkPages',
	type: 'boolean',
	default: true,
	description: 'Whether to read every table and index of the recovered server with amcheck. It takes about as long as reading the whole server.',
};

export const superuserField: INodeProperties = {
	displayName: 'Superuser',
	name: 'user',
	type: 'string',
	default: '',
	placeholder: 'e.g. postgres',
	description: 'A superuser of the server that was backed up. Without it, one is found in the base backup.',
};

/** The folder with the server's programs, where one was given and n8n may use it. */
export async function readServerFolder(options: CollectionValues, folder: OperationInput['folder']): Promise<string | undefined> {
	const path = options.text('serverFolder', 'Server Folder');
	return path === undefined ? undefined : await folder(path, 'Server Folder');
}

export const waitMinutesField: INodeProperties = {
	displayName: 'Wait for Recovery Container (Minutes)',
	name: 'waitMinutes',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 60,
	description: 'How long the recovery container may take until its server has recovered',
};

/** The recovery container, and how long it is waited for. */
export async function readContainer({ parameters, connection }: Pick<OperationInput, 'parameters' | 'connection'>) {
	const minutes = parameters.collection('options').number('waitMinutes', 'Wait for Recovery Container (Minutes)');
	return { connection: await connection(), waitSeconds: minutes === undefined ? undefined : minutes * 60 };
}
