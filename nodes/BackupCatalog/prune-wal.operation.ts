import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { modeField, planHints, readApply } from './apply-field';
import { readServer, serverField } from './server-field';

const operation = ['pruneWal'];

/** Deletes archived WAL that lies before the window, never what a base backup needs. */
export const pruneWalOperation: Operation<'catalog.pruneWal'> = {
	properties: [
		modeField('pruneWal', {
			plan: 'Say which stretches of WAL would be kept, and why',
			apply: 'Delete the WAL that neither the window nor a base backup needs',
		}),
		{
			displayName: 'Window (Hours)',
			name: 'windowHours',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 24,
			displayOptions: { show: { operation } },
			description:
				'How far back every point in time stays reachable, counted from the newest archived WAL. WAL is kept from the newest base backup that ended before that.',
		},
		optionsCollection(operation, [serverField, timeoutField]),
	],

	async job({ parameters, store, decryption }) {
		return {
			kind: 'catalog.pruneWal',
			store: await store(),
			decryption: await decryption(),
			systemIdentifier: readServer(parameters.collection('options')),
			windowHours: parameters.number('windowHours', 'Window (Hours)'),
			apply: readApply(parameters),
		};
	},
	items: (outcome) => [{ pruneWal: plainData(outcome) }],
	hints: planHints,
};
