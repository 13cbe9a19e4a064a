import type { Operation } from '../shared/operation';
import { lockWaitField, optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { readServer, serverField } from './server-field';

const operation = ['copyWal'];

/** Brings archived WAL from the store to the target store, each file read back, its record last. */
export const copyWalOperation: Operation<'catalog.copyWal'> = {
	properties: [
		{
			displayName: 'Only From Last Hours',
			name: 'withinHours',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			displayOptions: { show: { operation } },
			description:
				'Copy only WAL that was archived in the last so many hours before the newest. With 0 everything that the target lacks is copied, also what was pruned there.',
		},
		optionsCollection(operation, [
			{
				displayName: 'Check Existing Copies',
				name: 'recheck',
				type: 'boolean',
				default: false,
				description: 'Whether to read every byte of copies that are there already, and copy again what is damaged',
			},
			serverField,
			timeoutField,
			{ ...lockWaitField, default: 10 },
		]),
	],

	async job({ parameters, store, target }) {
		const options = parameters.collection('options');
		const wait = options.number('lockWait', 'Wait for Other Run (Minutes)');
		return {
			kind: 'catalog.copyWal',
			store: await store(),
			target: await target(),
			systemIdentifier: readServer(options),
			withinHours: parameters.number('withinHours', 'Only From Last Hours') || undefined,
			recheck: options.flag('recheck', 'Check Existing Copies'),
			...(wait !== undefined && { lockWaitSeconds: wait * 60 }),
		};
	},
	items: (outcome) => [{ copyWal: plainData(outcome) }],
};
