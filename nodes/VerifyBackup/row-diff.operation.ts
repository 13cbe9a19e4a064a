import type { INodeProperties } from 'n8n-workflow';
import { databaseField } from '../shared/database-field';
import { databaseNameField, patchFileField } from '../shared/incident-fields';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['rowDiff'];
const show = { operation };

/** What an incident did to the rows, as a patch that undoes it. */
export const rowDiffOperation: Operation<'postgres.diffRows'> = {
	properties: [
		{
			displayName: 'Reads three databases and writes to none: a recovered one of just before the incident, one of just after it, and the live one. The patch brings back what the incident changed and keeps what came later.',
			name: 'rowDiffNotice',
			type: 'notice',
			default: '',
			displayOptions: { show },
		},
		databaseField({
			displayName: 'Live Database',
			name: 'database',
			description: 'The database as it is now, on the server of the credential',
			displayOptions: { show },
		}),
		databaseNameField({ displayName: 'Recovered Database', name: 'recoveredDatabase', displayOptions: { show }, description: 'Its name on the recovered servers. Leave empty where it has the same name as the live one.' }),
		...serverFields('before', 'Server Before the Incident'),
		...serverFields('after', 'Server After the Incident'),
		patchFileField(show, 'Where the patch is written: a file that does not exist yet. It holds the rows themselves, and only the job\'s user may read it.'),
		optionsCollection(operation, [
			{
				displayName: 'Preview Statements',
				name: 'preview',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 500, numberPrecision: 0 },
				default: 0,
				description: 'How many of the patch\'s statements are in the output, for a person to read. They hold values of rows, and n8n keeps them with the execution.',
			},
			{
				displayName: 'Tables',
				name: 'tables',
				type: 'string',
				default: '',
				placeholder: 'e.g. public.customers, public.orders',
				description: 'Only these tables, as schema.table, separated by commas. Without it, all tables are compared.',
			},
			timeoutField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const connection = await input.connection();
		const database = parameters.located('database', 'Live Database');
		const recovered = parameters.text('recoveredDatabase', 'Recovered Database') || database;
		const options = parameters.collection('options');
		const tables = options.text('tables', 'Tables') ?? '';
		return {
			kind: 'postgres.diffRows',
			before: { connection: readServer(connection, parameters, 'before', 'Server Before the Incident'), database: recovered },
			after: { connection: readServer(connection, parameters, 'after', 'Server After the Incident'), database: recovered },
			live: { connection, database },
			tables: tables.split(',').map((name) => name.trim()).filter((name) => name !== ''),
			patchFile: await input.folder(parameters.requiredText('patchFile', 'Patch File'), 'Patch File'),
			previewStatements: options.number('preview', 'Preview Statements') ?? 0,
		};
	},
	items: (result) => [{ rowDiff: plainData(result) }],
	hints: ({ sentence, notes }) => [sentence, ...notes].map((message, at) => ({ message, type: at === 0 ? 'info' : 'warning', location: 'outputPane' }) as const),
};

function serverFields(which: 'before' | 'after', displayName: string): INodeProperties[] {
	return [
		{
			displayName,
			name: `${which}Host`,
			type: 'string',
			default: '',
			required: true,
			placeholder: `e.g. /recovery/${which}/socket`,
			displayOptions: { show },
			description: 'Host name, or absolute path of the folder with its socket, as "Postgres Point in Time" yields it',
		},
		{
			displayName: `Port (${displayName})`,
			name: `${which}Port`,
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 65535, numberPrecision: 0 },
			default: 5432,
			displayOptions: { show },
			description: 'Its port, also for a socket',
		},
		{
			displayName: `User (${displayName})`,
			name: `${which}User`,
			type: 'string',
			default: '',
			placeholder: 'e.g. postgres',
			displayOptions: { show },
			description: 'Leave empty for the user of the credential. The password is always that of the credential; a private socket asks for none.',
		},
	];
}

type Connection = Awaited<ReturnType<OperationInput['connection']>>;

function readServer(connection: Connection, parameters: OperationInput['parameters'], which: 'before' | 'after', label: string): Connection {
	return {
		...connection,
		host: parameters.requiredText(`${which}Host`, label).trim(),
		port: parameters.number(`${which}Port`, `Port (${label})`),
		user: parameters.text(`${which}User`, `User (${label})`).trim() || connection.user,
	};
}
