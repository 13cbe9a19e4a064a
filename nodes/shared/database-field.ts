import type { INodeProperties } from 'n8n-workflow';

/** A database of the server: chosen from the real list, or by name. */
export function databaseField(field: {
	displayName: string;
	name: string;
	description: string;
	displayOptions: INodeProperties['displayOptions'];
	hint?: string;
}): INodeProperties {
	return {
		...field,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				placeholder: 'Select a database…',
				typeOptions: { searchListMethod: 'searchDatabases', searchable: true },
			},
			{ displayName: 'By Name', name: 'name', type: 'string', placeholder: 'e.g. crm_dashboard' },
		],
	};
}
