import type { INodeProperties } from 'n8n-workflow';

type Show = NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>;

/** The name of a database on a server that no credential leads to. */
export function databaseNameField(more: Pick<INodeProperties, 'displayName' | 'name' | 'description' | 'displayOptions' | 'required'>): INodeProperties {
	return { type: 'string', default: '', placeholder: 'e.g. crm_dashboard', ...more };
}

/** Where a patch of rows lies. */
export function patchFileField(show: Show, description: string): INodeProperties {
	return {
		displayName: 'Patch File',
		name: 'patchFile',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. /recovery/patch.sql',
		displayOptions: { show },
		description,
		hint: 'n8n must be allowed to use its folder: N8N_RESTRICT_FILE_ACCESS_TO',
	};
}

/** What tells damage from no damage. */
export function questionField(show: Show): INodeProperties {
	return {
		displayName: 'Question',
		name: 'question',
		type: 'string',
		typeOptions: { rows: 3 },
		default: '',
		required: true,
		placeholder: "e.g. SELECT count(*) > 100 FROM customers WHERE email = ''",
		displayOptions: { show },
		description: "One SQL statement that yields true where the damage is there, and false where all is well. For a dropped table: SELECT to_regclass('public.orders') IS NULL.",
	};
}
