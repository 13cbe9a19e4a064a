import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { COMPONENTS, type Component } from '../../lib/catalog/component';
import { wrong } from './parameters';

/** The parts of a stack, as people choose them. */
export const componentOptions = [
	{ name: 'Configuration', value: 'config' },
	{ name: 'Files', value: 'files' },
	{ name: 'Logs', value: 'logs' },
	{ name: 'N8n', value: 'n8n' },
	{ name: 'Postgres', value: 'postgres' },
	{ name: 'Redis', value: 'redis' },
] satisfies ({ value: Component } & INodePropertyOptions)[];

export const componentField: INodeProperties = {
	displayName: 'Component',
	name: 'component',
	type: 'options',
	options: componentOptions,
	default: 'postgres',
	description: 'The part of the stack whose backups are meant',
};

/** Several components, as a multiple choice or an expression yields them. */
export function readComponents(value: unknown, label: string): Component[] {
	const list: unknown[] = value === undefined || value === null || value === '' ? [] : Array.isArray(value) ? value : [value];
	return list.map((entry) => {
		const known = COMPONENTS.find((component) => component === entry);
		if (known !== undefined) return known;
		throw wrong(label, 'names a component that there is not', `Use some of: ${COMPONENTS.join(', ')}.`);
	});
}
