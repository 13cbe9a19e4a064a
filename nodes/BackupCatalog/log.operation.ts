import type { INodeProperties } from 'n8n-workflow';
import { databaseField } from '../shared/database-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const where: INodeProperties[] = [
	databaseField({
		displayName: 'Database',
		name: 'logDatabase',
		description: 'Where the table backup_log and the view backup_status are, or are to be made',
		displayOptions: { show: { operation: ['log', 'rebuildLog'] } },
	}),
	optionsCollection(['log', 'rebuildLog'], [
		{
			displayName: 'Schema',
			name: 'schema',
			type: 'string',
			default: 'public',
			description: 'The schema of the table and the view; it must exist',
		},
		timeoutField,
	]),
];

/** Writes what the store holds, what runs and what failed into `backup_log`. */
export const logOperation = mirror(false, where);

/** The same after forgetting what the log says of the store. */
export const rebuildLogOperation = mirror(true, []);

function mirror(rebuild: boolean, properties: INodeProperties[]): Operation<'catalog.log'> {
	return {
		properties,
		async job({ parameters, store, connection }) {
			return {
				kind: 'catalog.log',
				store: await store(),
				connection: await connection(),
				database: parameters.located('logDatabase', 'Database'),
				schema: parameters.collection('options').text('schema', 'Schema'),
				rebuild,
			};
		},
		items: (result) => [{ log: plainData(result) }],
		hints: ({ warnings }) => warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' })),
	};
}
