import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { archiveWalOperation } from './archive-wal.operation';
import { serverNameField } from './basebackup-common';
import { fullOperation } from './full.operation';
import { incrementalOperation } from './incremental.operation';
import { preflightOperation } from './preflight.operation';

const operations = {
	full: runnable(fullOperation),
	incremental: runnable(incrementalOperation),
	archiveWal: runnable(archiveWalOperation),
	preflight: runnable(preflightOperation),
};

export class PostgresBasebackup implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Postgres Basebackup',
		name: 'postgresBasebackup',
		icon: { light: 'file:postgresBasebackup.svg', dark: 'file:postgresBasebackup.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ { full: "Full", incremental: "Incremental", archiveWal: "Archive WAL", preflight: "Preflight" }[$parameter["operation"]] }}',
		description: 'Back up a whole PostgreSQL server, ready for recovery to a point in time',
		defaults: { name: 'Postgres Basebackup' },
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
						name: 'Archive WAL',
						value: 'archiveWal',
						description: 'Archive the WAL that the server wrote since the last time, up to now. With a base backup before it, any moment in between can be recovered.',
						action: 'Archive the WAL of a server',
					},
					{
						name: 'Full',
						value: 'full',
						description: 'Back up everything of a server: all databases, roles and tablespaces',
						action: 'Back up a server',
					},
					{
						name: 'Incremental',
						value: 'incremental',
						description: 'Back up what changed in a server since its newest base backup. Needs PostgreSQL 17.',
						action: 'Back up what changed in a server',
					},
					{
						name: 'Preflight',
						value: 'preflight',
						description: 'Check what base backups and the archiving of WAL need of the server, without changing anything',
						action: 'Check whether a server is ready',
					},
				],
				default: 'full',
			},
			serverNameField(['full', 'incremental', 'archiveWal']),
			...fullOperation.properties,
			...incrementalOperation.properties,
			...archiveWalOperation.properties,
			...preflightOperation.properties,
		],
	};

	methods = { credentialTest };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: () => 'postgres' });
	}
}
