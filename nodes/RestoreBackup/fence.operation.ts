import { databaseField } from '../shared/database-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunHints } from './restore-common';

const operation = ['fence'];

/** Keeps the clients of a live database out while the stack is restored, lets them in again, or tells what is under its name. */
export const fenceOperation: Operation<'postgres.fence'> = {
	properties: [
		{
			displayName: 'Action',
			name: 'fenceAction',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'Fence', value: 'fence', description: 'End all sessions and let nobody in, until the fence is lifted. It holds when n8n dies, and a swap hands it on.' },
				{ name: 'Lift', value: 'lift', description: 'Let clients in again' },
				{ name: 'Show', value: 'show', description: 'Tell which database is live: the one from before, or a restored and proven one' },
			],
			default: 'show',
			displayOptions: { show: { operation } },
		},
		databaseField({ displayName: 'Live Database', name: 'database', description: 'The database that clients use', displayOptions: { show: { operation } } }),
		{
			displayName: 'Dry Run',
			name: 'dryRun',
			type: 'boolean',
			default: true,
			displayOptions: { show: { operation, fenceAction: ['fence'] } },
			description: 'Whether to only show the plan. Nobody is disconnected until this is off.',
		},
		confirmationField(
			{ operation, fenceAction: ['fence'] },
			{ placeholder: 'e.g. crm_dashboard', description: 'Type the name of the database, so that the clients of the wrong one are never disconnected' },
		),
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, connection }) {
		const action = parameters.choice('fenceAction', 'Action', ['fence', 'lift', 'show']);
		const dryRun = action === 'fence' && parameters.flag('dryRun', 'Dry Run');
		return {
			kind: 'postgres.fence',
			connection: await connection(),
			database: parameters.located('database', 'Live Database'),
			action,
			dryRun,
			confirmation: action !== 'fence' || dryRun ? '' : parameters.text('confirmation', 'Confirmation'),
		};
	},
	items: (result) => [{ fence: plainData(result) }],
	hints: dryRunHints,
};
