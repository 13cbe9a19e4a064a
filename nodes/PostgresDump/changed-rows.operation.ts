import { readTables } from '../shared/name-lists';
import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation, OperationInput } from '../shared/operation';
import { compressionField, lockWaitField, noteField, optionsCollection, timeoutField } from '../shared/option-fields';
import { wrong } from '../shared/parameters';
import { momentIn } from '../shared/moment';
import { dumpCommon } from './dump-common';

const show = { operation: ['changedRows'] };

/** Rows of chosen tables by a timestamp column: an extract, which never counts as a backup of the database. */
export const changedRowsOperation: Operation<'postgres.extractChangedRows'> = {
	properties: [
		{
			displayName:
				'An extract holds recently changed rows only. It misses deleted rows and does not replace a backup of the database.',
			name: 'extractNotice',
			type: 'notice',
			default: '',
			displayOptions: { show },
		},
		{
			displayName: 'Table Names or IDs',
			name: 'tables',
			type: 'multiOptions',
			typeOptions: { loadOptionsMethod: 'getTables', loadOptionsDependsOn: ['database.value'] },
			default: [],
			required: true,
			displayOptions: { show },
			description:
				'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
		},
		{
			displayName: 'Column',
			name: 'column',
			type: 'string',
			default: 'updated_at',
			required: true,
			placeholder: 'e.g. updated_at',
			displayOptions: { show },
			description: 'Timestamp or date column that says when a row changed. Every chosen table must have it.',
		},
		{
			displayName: 'Window',
			name: 'window',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show },
			options: [
				{ name: 'Between Two Times', value: 'between', description: 'Rows that changed between two given times' },
				{ name: 'Last Hours', value: 'lastHours', description: 'Rows that changed in the hours before this run' },
			],
			default: 'lastHours',
			description: 'Which rows to take, by the time in the column',
		},
		{
			displayName: 'Hours',
			name: 'hours',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 6,
			displayOptions: { show: { ...show, window: ['lastHours'] } },
			description: 'How many hours to go back from now',
			hint: 'Take a little more than the time between two runs, so that no row falls between them',
		},
		{
			displayName: 'From',
			name: 'from',
			type: 'dateTime',
			default: '',
			required: true,
			displayOptions: { show: { ...show, window: ['between'] } },
			description: 'First moment of the window. Without an offset it is read in the time zone of the workflow.',
		},
		{
			displayName: 'To',
			name: 'to',
			type: 'dateTime',
			default: '',
			required: true,
			displayOptions: { show: { ...show, window: ['between'] } },
			description: 'End of the window; rows of exactly this time are not taken',
		},
		optionsCollection(['changedRows'], [compressionField, noteField, timeoutField, lockWaitField]),
	],

	async job(input) {
		const { parameters } = input;
		return {
			kind: 'postgres.extractChangedRows',
			...(await dumpCommon(input)),
			database: parameters.located('database', 'Database'),
			tables: readTables(parameters.raw('tables'), 'Table Names or IDs'),
			column: parameters.requiredText('column', 'Column'),
			...timeWindow(input),
		};
	},
	items: backupItems,
	hints: warningHints,
};

function timeWindow({ parameters, now, timeZone }: OperationInput): { from: string; to: string } {
	switch (parameters.choice('window', 'Window', ['lastHours', 'between'])) {
		case 'lastHours': {
			const hours = parameters.number('hours', 'Hours');
			if (hours <= 0) throw wrong('Hours', 'is not more than zero', 'Say how many hours to go back.');
			return { from: new Date(now.getTime() - hours * 3_600_000).toISOString(), to: now.toISOString() };
		}
		case 'between': {
			const from = momentIn(parameters.raw('from'), timeZone, 'From');
			const to = momentIn(parameters.raw('to'), timeZone, 'To');
			if (from >= to) throw wrong('From', 'is not before "To"', 'Exchange the two, or correct one of them.');
			return { from, to };
		}
	}
}
