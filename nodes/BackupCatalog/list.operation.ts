import { BACKUP_KINDS } from '../../lib/catalog/component';
import type { Operation } from '../shared/operation';
import { optionsCollection } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['list'];

/** The backups in the store, newest first. */
export const listOperation: Operation<'catalog.list'> = {
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
		optionsCollection(operation, [
			{
				displayName: 'Backed-Up Database',
				name: 'source',
				type: 'string',
				default: '',
				placeholder: 'e.g. crm_dashboard',
				description: 'Only backups of this database',
			},
			{
				displayName: 'Kind',
				name: 'backupKind',
				type: 'options',
				options: [
					{ name: 'Extract', value: 'extract', description: 'Recently changed rows' },
					{ name: 'Full', value: 'full', description: 'A whole database' },
					{ name: 'Globals', value: 'globals', description: 'Roles and settings of a server' },
					{ name: 'Partial', value: 'partial', description: 'Chosen schemas or tables' },
				],
				default: 'full',
				description: 'Only backups of this kind',
			},
		]),
	],

	async job({ parameters, store }) {
		const options = parameters.collection('options');
		return {
			kind: 'catalog.list',
			store: await store(),
			limit: parameters.number('limit', 'Limit'),
			source: options.text('source', 'Backed-Up Database'),
			backupKind: options.choice('backupKind', 'Kind', BACKUP_KINDS),
		};
	},
	items: ({ backups }) => backups.map((backup) => ({ backup: plainData(backup) })),
};
