import { componentOptions, readComponents } from '../shared/component-field';
import { momentIn } from '../shared/moment';
import type { Operation } from '../shared/operation';
import { noteField, optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { readRunInput } from '../shared/run-input';

const operation = ['recordRecoveryPoint'];

/** Writes down that the backups of one run belong together, and what of the run failed; then it can fail the run, naming all of it. */
export const recordRecoveryPointOperation: Operation<'recovery.record'> = {
	properties: [
		{
			displayName:
				'Takes all input items at once: those with a "backup" become members, those with an "error" are written down as failed. Set the backup nodes to go on after errors and lead all of them here.',
			name: 'recordNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		{
			displayName: 'Name',
			name: 'recoveryPointName',
			type: 'string',
			default: '={{ $workflow.name }}',
			displayOptions: { show: { operation } },
			description: 'What the run is called in lists',
		},
		{
			displayName: 'Fail When Incomplete',
			name: 'failWhenIncomplete',
			type: 'boolean',
			default: true,
			displayOptions: { show: { operation } },
			description: 'Whether to fail, naming everything that failed or is missing, once the recovery point is recorded',
		},
		optionsCollection(operation, [
			{
				displayName: 'Backups Since',
				name: 'since',
				type: 'dateTime',
				default: '',
				description: 'Also take the newest backup of everything that was backed up since then, and write down what failed since then. Use the time at which the run began.',
			},
			{
				displayName: 'Expected Components',
				name: 'expected',
				type: 'multiOptions',
				options: componentOptions,
				default: [],
				description: 'Parts of the stack that must be in it. One that neither succeeded nor failed is named as missing.',
			},
			noteField,
			timeoutField,
		]),
	],

	async job({ parameters, items, store, timeZone }) {
		const options = parameters.collection('options');
		const since = options.raw('since');
		return {
			kind: 'recovery.record',
			store: await store(),
			name: parameters.text('recoveryPointName', 'Name'),
			note: options.text('note', 'Note'),
			...readRunInput(items),
			since: since === undefined || since === null || since === '' ? null : momentIn(since, timeZone, 'Backups Since'),
			expected: readComponents(options.raw('expected'), 'Expected Components'),
			failWhenIncomplete: parameters.flag('failWhenIncomplete', 'Fail When Incomplete'),
		};
	},
	items: ({ recoveryPoint }) => [{ recoveryPoint: plainData(recoveryPoint) }],
};
