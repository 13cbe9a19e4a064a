import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { confirmationField, dryRunField, dryRunHints, restoreCommon, swapItems } from './restore-common';

const operation = ['dropPrevious'];

/** Drops a database that a swap kept, once nobody needs it any more. */
export const dropPreviousOperation: Operation<'postgres.dropPrevious'> = {
	properties: [
		{
			displayName: 'Previous Database',
			name: 'previousDatabase',
			type: 'resourceLocator',
			default: { mode: 'list', value: '' },
			required: true,
			displayOptions: { show: { operation } },
			description: 'The database that a swap kept',
			modes: [
				{
					displayName: 'From List',
					name: 'list',
					type: 'list',
					placeholder: 'Select a kept database…',
					typeOptions: { searchListMethod: 'searchPrevious', searchable: true },
				},
				{ displayName: 'By Name', name: 'name', type: 'string', placeholder: 'e.g. crm_dashboard_before_20261122t020000z' },
			],
		},
		dryRunField('dropPrevious'),
		confirmationField(
			{ operation },
			{
				placeholder: 'e.g. crm_dashboard_before_20261122t020000z',
				description: 'Type the full name of the database that is dropped. This cannot be undone.',
			},
		),
		optionsCollection(operation, [timeoutField]),
	],

	async job(input) {
		return {
			kind: 'postgres.dropPrevious',
			...(await restoreCommon(input)),
			previous: input.parameters.located('previousDatabase', 'Previous Database'),
		};
	},
	items: swapItems,
	hints: dryRunHints,
};
