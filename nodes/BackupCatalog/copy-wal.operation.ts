import type { Operation } from '../shared/operation';
import { lockWaitField, optionsCollection, readLockWaitSeconds, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { readRecheck, recheckField } from './recheck-field';
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
			recheckField,
			serverField,
			timeoutField,
			{ ...lockWaitField, default: 10 },
		]),
	],

	async job({ parameters, store, target }) {
		const options = parameters.collection('options');
		return {
			kind: 'catalog.copyWal',
			store: await store(),
			target: await target(),
			systemIdentifier: readServer(options),
			withinHours: parameters.number('withinHours', 'Only From Last Hours') || undefined,
			recheck: readRecheck(options),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: (outcome) => [{ copyWal: plainData(outcome) }],
};
