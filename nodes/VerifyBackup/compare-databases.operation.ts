import { databaseField } from '../shared/database-field';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['compareDatabases'];

/** What a live database holds now, and what a recovered one held before. */
export const compareDatabasesOperation: Operation<'postgres.compareDatabases'> = {
	properties: [
		{
			displayName: 'Reads both databases and writes to neither',
			name: 'compareNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		databaseField({
			displayName: 'Live Database',
			name: 'database',
			description: 'The database as it is now, on the server of the credential. It may be gone altogether.',
			displayOptions: { show: { operation } },
		}),
		{
			displayName: 'Recovered Database',
			name: 'recoveredDatabase',
			type: 'string',
			default: '',
			placeholder: 'e.g. crm_dashboard',
			displayOptions: { show: { operation } },
			description: 'Its name on its server. Leave empty where it has the same name as the live one.',
		},
		{
			displayName: 'Recovered Server',
			name: 'recoveredHost',
			type: 'string',
			default: '',
			placeholder: 'e.g. /recovery/crm/socket',
			displayOptions: { show: { operation } },
			description: "Host name, or absolute path of the folder with its socket, as Restore Backup's point-in-time recovery yields it. Leave empty for the server of the credential.",
		},
		{
			displayName: 'Port of Recovered Server',
			name: 'recoveredPort',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 65535, numberPrecision: 0 },
			default: 5432,
			displayOptions: { show: { operation }, hide: { recoveredHost: [''] } },
			description: 'Its port, also for a socket',
		},
		{
			displayName: 'User of Recovered Server',
			name: 'recoveredUser',
			type: 'string',
			default: '',
			placeholder: 'e.g. postgres',
			displayOptions: { show: { operation }, hide: { recoveredHost: [''] } },
			description: 'Leave empty for the user of the credential. The password is always that of the credential; a private socket asks for none.',
		},
		{
			displayName: 'Compare Contents',
			name: 'compareContents',
			type: 'boolean',
			default: true,
			displayOptions: { show: { operation } },
			description: 'Whether to compare all contents by fingerprint, which reads every row of both. Without it rows are only counted, and an UPDATE does not show.',
		},
		optionsCollection(operation, [timeoutField]),
	],

	async job(input) {
		const { parameters } = input;
		const connection = await input.connection();
		const database = parameters.located('database', 'Live Database');
		return {
			kind: 'postgres.compareDatabases',
			live: { connection, database },
			recovered: {
				connection: recoveredConnection(connection, parameters),
				database: parameters.text('recoveredDatabase', 'Recovered Database') || database,
			},
			fingerprint: parameters.flag('compareContents', 'Compare Contents'),
		};
	},
	items: (comparison) => [{ comparison: plainData(comparison) }],
};

type Connection = Awaited<ReturnType<OperationInput['connection']>>;

/** A recovered server has the roles and passwords of the live one; only its place is another. */
function recoveredConnection(connection: Connection, parameters: OperationInput['parameters']): Connection {
	const host = parameters.text('recoveredHost', 'Recovered Server').trim();
	if (host === '') return connection;
	return {
		...connection,
		host,
		port: parameters.number('recoveredPort', 'Port of Recovered Server'),
		user: parameters.text('recoveredUser', 'User of Recovered Server').trim() || connection.user,
	};
}
