import type { INodeProperties } from 'n8n-workflow';

/** The parts of a stack, as people choose them; the values are those of `lib/catalog/component.ts`. */
export const componentField: INodeProperties = {
	displayName: 'Component',
	name: 'component',
	type: 'options',
	options: [
		{ name: 'Configuration', value: 'config' },
		{ name: 'Files', value: 'files' },
		{ name: 'Logs', value: 'logs' },
		{ name: 'N8n', value: 'n8n' },
		{ name: 'Postgres', value: 'postgres' },
		{ name: 'Redis', value: 'redis' },
	],
	default: 'postgres',
	description: 'The part of the stack whose backups are meant',
};
