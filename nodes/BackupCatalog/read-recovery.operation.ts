import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { readRecoveryId } from './journal-fields';

const operation = ['readRecovery'];

/** How recoveries stand, newest first; one item that says that there is none where there is none. */
export const readRecoveryOperation: Operation<'recovery.read'> = {
	properties: [
		{
			displayName: 'Which',
			name: 'whichRecovery',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'By ID', value: 'id', description: 'The one that you name' },
				{ name: 'Newest', value: 'newest', description: 'Whatever has become of them' },
				{ name: 'Not Ended', value: 'open', description: 'Those that can be gone on with' },
			],
			default: 'newest',
			displayOptions: { show: { operation } },
		},
		{
			displayName: 'Recovery ID',
			name: 'recoveryId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 20261122T020000Z-recovery-a1b2c3',
			displayOptions: { show: { operation, whichRecovery: ['id'] } },
		},
		optionsCollection(operation, [
			{ displayName: 'Limit', name: 'limit', type: 'number', typeOptions: { minValue: 1 }, default: 50, description: 'Max number of results to return' },
			{ displayName: 'Name', name: 'name', type: 'string', default: '', placeholder: 'e.g. Recovery: Full', description: 'Only recoveries of this runbook' },
			timeoutField,
		]),
	],

	async job({ parameters, store }) {
		const options = parameters.collection('options');
		const which = parameters.choice('whichRecovery', 'Which', ['id', 'newest', 'open']);
		return {
			kind: 'recovery.read',
			store: await store(),
			recovery: which === 'id' ? readRecoveryId(parameters.requiredText('recoveryId', 'Recovery ID')) : undefined,
			name: options.text('name', 'Name'),
			open: which === 'open',
			limit: options.number('limit', 'Limit') ?? 1,
		};
	},
	items: ({ recoveries }) => (recoveries.length === 0 ? [{ recovery: null }] : recoveries.map((recovery) => ({ recovery: plainData(recovery) }))),
};
