import type { NodeExecutionHint } from 'n8n-workflow';
import { backupLocator, readBackupId } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import type { Parameters } from '../shared/parameters';
import { plainData } from '../shared/plain-data';

const operation = ['continuity'];

/** Whether archived WAL leads from a base backup to its newest point without a gap, and from when to when that is. */
export const continuityOperation: Operation<'verify.continuity'> = {
	properties: [
		{
			displayName: 'From',
			name: 'baseChoice',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Start of the Window', value: 'window', description: 'The newest base backup that ended before the window, or else the oldest' },
				{ name: 'Latest Base Backup', value: 'latest', description: 'The newest base backup, full or incremental' },
				{ name: 'Specific Base Backup', value: 'id', description: 'One base backup that you choose from the list, or by its ID' },
			],
			default: 'window',
			description: 'From which base backup on to look',
		},
		backupLocator({
			displayName: 'Base Backup',
			name: 'base',
			description: 'The base backup, newest first',
			searchMethod: 'searchBaseBackups',
			displayOptions: { show: { operation, baseChoice: ['id'] } },
		}),
		{
			displayName: 'Level',
			name: 'continuityLevel',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Bytes', value: 'bytes', description: 'Records, and every byte, page and record of the log is read' },
				{ name: 'Records', value: 'records', description: 'What the store lists and the records of the archive say; takes moments' },
			],
			default: 'records',
			description: 'How far to check',
		},
		optionsCollection(operation, [
			{
				displayName: 'Largest Delay (Minutes)',
				name: 'maxAgeMinutes',
				type: 'number',
				typeOptions: { minValue: 1 },
				default: 60,
				description: 'How old the newest point that can be recovered may be before there is a warning',
			},
			{
				displayName: 'Source Name',
				name: 'source',
				type: 'string',
				default: '',
				placeholder: 'e.g. db.example.com:5432',
				description: 'Name of the server that was backed up, where the store holds several',
			},
			timeoutField,
			{
				displayName: 'Timeline',
				name: 'timeline',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: 0,
				description: 'The timeline to follow to its end. With 0 the newest one that comes from the base backup.',
			},
			{
				displayName: 'Window (Hours)',
				name: 'windowHours',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 24,
				description: 'How long the window should be; a shorter one is a warning',
			},
		]),
	],

	async job({ parameters, store, decryption }) {
		const options = parameters.collection('options');
		return {
			kind: 'verify.continuity',
			store: await store(),
			decryption: await decryption(),
			base: readBase(parameters),
			timeline: options.number('timeline', 'Timeline') || null,
			level: parameters.choice('continuityLevel', 'Level', ['records', 'bytes']),
			windowHours: options.number('windowHours', 'Window (Hours)'),
			maxAgeMinutes: options.number('maxAgeMinutes', 'Largest Delay (Minutes)'),
		};
	},
	items: ({ base, ...continuity }) => [{ continuity: plainData(continuity), backup: plainData(base) }],
	hints: ({ warnings }) => warnings.map((message): NodeExecutionHint => ({ message, type: 'warning', location: 'outputPane' })),
};

function readBase(parameters: Parameters) {
	const by = parameters.choice('baseChoice', 'From', ['window', 'latest', 'id']);
	if (by === 'id') return { by, id: readBackupId(parameters.located('base', 'Base Backup'), 'Base Backup') };
	return { by, source: parameters.collection('options').text('source', 'Source Name') };
}
