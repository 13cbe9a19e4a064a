import { databaseField } from '../shared/database-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { confirmationField, dryRunField, dryRunHints, restoreCommon, swapItems } from './restore-common';

const operation = ['undoSwap'];

/** Puts the database that a swap replaced back under its live name, and keeps the other one. */
export const undoSwapOperation: Operation<'postgres.undoSwap'> = {
	properties: [
		databaseField({
			displayName: 'Live Database',
			name: 'database',
			description: 'The database whose swap is undone',
			displayOptions: { show: { operation } },
		}),
		dryRunField('undoSwap'),
		confirmationField(
			{ operation },
			{ placeholder: 'e.g. crm_dashboard', description: 'Type the name of the live database, so that the wrong one is never replaced' },
		),
		optionsCollection(operation, [
			{
				displayName: 'Previous Database',
				name: 'previous',
				type: 'string',
				default: '',
				placeholder: 'e.g. crm_dashboard_before_20261122t020000z',
				description: 'The kept database to put back. Without it, it is the newest one.',
			},
			timeoutField,
		]),
	],

	async job(input) {
		return {
			kind: 'postgres.undoSwap',
			...(await restoreCommon(input)),
			database: input.parameters.located('database', 'Live Database'),
			previous: input.parameters.collection('options').text('previous', 'Previous Database'),
		};
	},
	items: swapItems,
	hints: dryRunHints,
};
