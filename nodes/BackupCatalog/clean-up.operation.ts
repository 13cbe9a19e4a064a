import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { modeField, planHints, readApply } from './apply-field';

const operation = ['cleanUp'];

/** Removes what interrupted runs left in the store; published backups are never touched. */
export const cleanUpOperation: Operation<'catalog.cleanUp'> = {
	properties: [
		modeField('cleanUp', {
			plan: 'Say what interrupted runs left behind',
			apply: 'Remove what interrupted runs left behind',
		}),
		{
			displayName: 'Older Than (Minutes)',
			name: 'olderThanMinutes',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 60,
			displayOptions: { show: { operation } },
			description: 'Leftovers younger than this stay, because their run may still be at work',
		},
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, store }) {
		return {
			kind: 'catalog.cleanUp',
			store: await store(),
			apply: readApply(parameters),
			olderThanMinutes: parameters.number('olderThanMinutes', 'Older Than (Minutes)'),
		};
	},
	items: (result) => [{ cleanUp: plainData(result) }],
	hints: planHints,
};
