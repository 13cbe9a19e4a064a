import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { listSearch, loadOptions } from '../shared/lookups';
import { changedRowsOperation } from './changed-rows.operation';
import { databaseOperation, dumpedDatabaseField } from './database.operation';
import { globalsOperation } from './globals.operation';

const operations = {
	database: runnable(databaseOperation),
	globals: runnable(globalsOperation),
	changedRows: runnable(changedRowsOperation),
};

export class PostgresDump implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Postgres Dump',
		name: 'postgresDump',
		icon: { light: 'file:postgresDump.svg', dark: 'file:postgresDump.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ { database: "Database", globals: "Globals", changedRows: "Changed Rows" }[$parameter["operation"]] }}',
		description: 'Back up a PostgreSQL database into a backup store',
		defaults: { name: 'Postgres Dump' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{ displayName: 'Postgres Server', name: 'backupPostgresApi', required: true, testedBy: 'backupPostgresTest' },
			{ displayName: 'Backup Store', name: 'backupStoreApi', required: true, testedBy: 'backupStoreTest' },
			{ displayName: 'Backup Encryption', name: 'backupEncryptionApi', required: false, testedBy: 'backupEncryptionTest' },
		],
		properties: [
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Changed Rows',
						value: 'changedRows',
						description: 'Extract the rows of chosen tables that changed in a window of time',
						action: 'Extract changed rows',
					},
					{
						name: 'Database',
						value: 'database',
						description: 'Back up a database, with the proof that a restore is compared with',
						action: 'Back up a database',
					},
					{
						name: 'Globals',
						value: 'globals',
						description: "Back up the server's roles, memberships, tablespaces and settings",
						action: 'Back up the globals of a server',
					},
				],
				default: 'database',
			},
			dumpedDatabaseField,
			...databaseOperation.properties,
			...globalsOperation.properties,
			...changedRowsOperation.properties,
		],
	};

	methods = { credentialTest, listSearch, loadOptions };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: () => 'postgres' });
	}
}
