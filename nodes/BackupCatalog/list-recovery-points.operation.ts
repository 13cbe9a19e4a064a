import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';

const operation = ['listRecoveryPoints'];

/** The recovery points in the store, newest first, with what has become of their members. */
export const listRecoveryPointsOperation: Operation<'recovery.list'> = {
	properties: [
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 50,
			displayOptions: { show: { operation } },
			description: 'Max number of results to return',
		},
	],

	async job({ parameters, store }) {
		return { kind: 'recovery.list', store: await store(), limit: parameters.number('limit', 'Limit') };
	},
	items: ({ recoveryPoints }) => recoveryPoints.map((recoveryPoint) => ({ recoveryPoint: plainData(recoveryPoint) })),
};
