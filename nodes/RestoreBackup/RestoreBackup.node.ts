import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { listSearch } from '../shared/lookups';
import { dropPreviousOperation } from './drop-previous.operation';
import { filesOperation } from './files.operation';
import { n8nOperation } from './n8n.operation';
import { postgresDatabaseOperation } from './postgres-database.operation';
import { redisOperation } from './redis.operation';
import { undoSwapOperation } from './undo-swap.operation';

const operations = {
	postgresDatabase: runnable(postgresDatabaseOperation),
	redis: runnable(redisOperation),
	undoSwap: runnable(undoSwapOperation),
	dropPrevious: runnable(dropPreviousOperation),
	files: runnable(filesOperation),
	n8n: runnable(n8nOperation),
};

export class RestoreBackup implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Restore Backup',
		name: 'restoreBackup',
		icon: { light: 'file:restoreBackup.svg', dark: 'file:restoreBackup.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle:
			'={{ { postgresDatabase: "Postgres Database", undoSwap: "Undo Swap", dropPrevious: "Drop Previous", files: "Files", n8n: "n8n", redis: "Redis" }[$parameter["operation"]] + ($parameter["dryRun"] === false ? "" : " (dry run)") }}',
		description: 'Restore a backup beside the live data, prove it, and swap it in',
		defaults: { name: 'Restore Backup' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{
				displayName: 'Postgres Server',
				name: 'backupPostgresApi',
				required: true,
				testedBy: 'backupPostgresTest',
				displayOptions: { show: { operation: ['postgresDatabase', 'undoSwap', 'dropPrevious'] } },
			},
			{
				displayName: 'Redis Server',
				name: 'backupRedisApi',
				required: true,
				testedBy: 'backupRedisTest',
				displayOptions: { show: { operation: ['redis'], redisWay: ['keys', 'replace'] } },
			},
			{
				displayName: 'Backup Store',
				name: 'backupStoreApi',
				required: true,
				testedBy: 'backupStoreTest',
				displayOptions: { show: { operation: ['postgresDatabase', 'files', 'n8n', 'redis'] } },
			},
			{
				displayName: 'Backup Encryption',
				name: 'backupEncryptionApi',
				required: false,
				testedBy: 'backupEncryptionTest',
				displayOptions: { show: { operation: ['postgresDatabase', 'files', 'n8n', 'redis'] } },
			},
		],
		properties: [
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Drop Previous',
						value: 'dropPrevious',
						description: 'Drop the database that an earlier swap kept',
						action: 'Drop the previous database',
					},
					{
						name: 'Files',
						value: 'files',
						description: 'Restore a folder from a backup and those that it builds on',
						action: 'Restore files',
					},
					{
						name: 'N8n',
						value: 'n8n',
						description: 'Make an empty n8n the one that was backed up',
						action: 'Restore n8n',
					},
					{
						name: 'Postgres Database',
						value: 'postgresDatabase',
						description: 'Restore a PostgreSQL database from a backup',
						action: 'Restore a postgres database',
					},
					{
						name: 'Redis',
						value: 'redis',
						description: 'Restore Redis from a snapshot: into a running server, or as a file',
						action: 'Restore redis',
					},
					{
						name: 'Undo Swap',
						value: 'undoSwap',
						description: 'Put the database that a swap replaced back in its place',
						action: 'Undo a swap',
					},
				],
				default: 'postgresDatabase',
			},
			...postgresDatabaseOperation.properties,
			...redisOperation.properties,
			...undoSwapOperation.properties,
			...dropPreviousOperation.properties,
			...filesOperation.properties,
			...n8nOperation.properties,
		],
	};

	methods = { credentialTest, listSearch };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations);
	}
}
