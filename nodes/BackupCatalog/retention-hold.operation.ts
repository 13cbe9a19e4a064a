import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';
import { wrong } from '../shared/parameters';

const operation = ['retentionHold'];

/** Keeps anything from being pruned until a person says that it may go on. */
export const retentionHoldOperation: Operation<'catalog.retentionHold'> = {
	properties: [
		{
			displayName: 'Action',
			name: 'holdAction',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'Hold', value: 'hold', description: 'Prune nothing from now on' },
				{ name: 'Lift', value: 'lift', description: 'Let retention go on' },
				{ name: 'Show', value: 'show', description: 'Tell whether there is a hold, and why' },
			],
			default: 'show',
			displayOptions: { show: { operation } },
		},
		{
			displayName: 'Reason',
			name: 'holdReason',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. Suspected ransomware on the file server',
			displayOptions: { show: { operation, holdAction: ['hold'] } },
			description: 'Why; shown wherever the hold is',
		},
	],

	async job({ parameters, store }) {
		const action = parameters.choice('holdAction', 'Action', ['hold', 'lift', 'show'] as const);
		if (action !== 'hold') return { kind: 'catalog.retentionHold', store: await store(), action };
		const reason = parameters.text('holdReason', 'Reason');
		if (reason.trim() === '') throw wrong('Reason', 'is empty', 'Say why nothing may be deleted: whoever is to lift the hold will want to know.');
		return { kind: 'catalog.retentionHold', store: await store(), action, reason };
	},
	items: ({ hold, lifted }) => [{ retentionHold: plainData({ held: hold !== null, hold, lifted }) }],
};
