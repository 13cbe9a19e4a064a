import type { INodePropertyOptions } from 'n8n-workflow';
import { BACKUP_KINDS, type BackupKind, COMPONENTS } from '../../lib/catalog/component';
import { componentField } from '../shared/component-field';
import type { Operation } from '../shared/operation';
import { optionsCollection } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['list'];

/** What a backup may hold, for drop-downs. */
const kindOptions = [
	{ name: 'Base', value: 'base', description: 'A physical copy of a whole PostgreSQL server' },
	{ name: 'Extract', value: 'extract', description: 'Recently changed rows' },
	{ name: 'Full', value: 'full', description: 'Everything of its source' },
	{ name: 'Globals', value: 'globals', description: 'Roles and settings of a server' },
	{ name: 'Incremental', value: 'incremental', description: 'What changed since the backup before it' },
	{ name: 'Partial', value: 'partial', description: 'Chosen schemas or tables' },
	{ name: 'Safety', value: 'safety', description: 'A database as it was before it was replaced or changed' },
] satisfies ({ value: BackupKind } & INodePropertyOptions)[];

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
				displayName: 'Backed-Up Source',
				name: 'source',
				type: 'string',
				default: '',
				placeholder: 'e.g. crm_dashboard',
				description: 'Only backups of this: the name of a database, or of another source',
			},
			componentField,
			{
				displayName: 'Kind',
				name: 'backupKind',
				type: 'options',
				options: kindOptions,
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
			source: options.text('source', 'Backed-Up Source'),
			component: options.choice('component', 'Component', COMPONENTS),
			backupKind: options.choice('backupKind', 'Kind', BACKUP_KINDS),
		};
	},
	items: ({ backups }) => backups.map((backup) => ({ backup: plainData(backup) })),
};
