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
import { applyPatchOperation } from './apply-patch.operation';
import { dropPreviousOperation } from './drop-previous.operation';
import { fenceOperation } from './fence.operation';
import { filesOperation } from './files.operation';
import { n8nOperation } from './n8n.operation';
import { postgresDatabaseOperation } from './postgres-database.operation';
import { postgresPointInTimeOperation } from './postgres-point-in-time.operation';
import { redisOperation } from './redis.operation';
import { replaceFromRecoveredOperation } from './replace-from-recovered.operation';
import { stopRecoveredOperation } from './stop-recovered.operation';
import { undoSwapOperation } from './undo-swap.operation';

const operations = {
	postgresDatabase: runnable(postgresDatabaseOperation),
	postgresPointInTime: runnable(postgresPointInTimeOperation),
	replaceFromRecovered: runnable(replaceFromRecoveredOperation),
	stopRecovered: runnable(stopRecoveredOperation),
	redis: runnable(redisOperation),
	applyPatch: runnable(applyPatchOperation),
	undoSwap: runnable(undoSwapOperation),
	fence: runnable(fenceOperation),
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
			'={{ { applyPatch: "Apply Row Patch", postgresDatabase: "Postgres Database", postgresPointInTime: "Postgres Point in Time", replaceFromRecovered: "Replace From Recovered", stopRecovered: "Stop Recovered Server", undoSwap: "Undo Swap", fence: "Fence", dropPrevious: "Drop Previous", files: "Files", n8n: "n8n", redis: "Redis" }[$parameter["operation"]] + ($parameter["dryRun"] === false || ["stopRecovered", "fence"].includes($parameter["operation"]) ? "" : " (dry run)") }}',
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
				displayOptions: { show: { operation: ['applyPatch', 'postgresDatabase', 'postgresPointInTime', 'replaceFromRecovered', 'undoSwap', 'fence', 'dropPrevious'] }, hide: { recoveryMode: ['startHere', 'prepareOnly'] } },
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
				displayOptions: { show: { operation: ['postgresDatabase', 'postgresPointInTime', 'replaceFromRecovered', 'files', 'n8n', 'redis'] } },
			},
			{
				displayName: 'Backup Encryption',
				name: 'backupEncryptionApi',
				required: false,
				testedBy: 'backupEncryptionTest',
				displayOptions: { show: { operation: ['postgresDatabase', 'postgresPointInTime', 'replaceFromRecovered', 'files', 'n8n', 'redis'] } },
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
						name: 'Apply Row Patch',
						value: 'applyPatch',
						description: 'Bring rows back into a live database with a patch that "Row Diff" wrote',
						action: 'Apply a patch of rows',
					},
					{
						name: 'Drop Previous',
						value: 'dropPrevious',
						description: 'Drop the database that an earlier swap kept',
						action: 'Drop the previous database',
					},
					{
						name: 'Fence',
						value: 'fence',
						description: 'Keep the clients of a database out during a recovery, or let them in again',
						action: 'Fence a database',
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
						name: 'Postgres Point in Time',
						value: 'postgresPointInTime',
						description: 'Recover a whole PostgreSQL server to a moment, beside the live one',
						action: 'Recover postgres to a point in time',
					},
					{
						name: 'Redis',
						value: 'redis',
						description: 'Restore Redis from a snapshot: into a running server, or as a file',
						action: 'Restore redis',
					},
					{
						name: 'Replace From Recovered',
						value: 'replaceFromRecovered',
						description: 'Put a database of a recovered server in the place of the live one',
						action: 'Replace a database from a recovered server',
					},
					{
						name: 'Stop Recovered Server',
						value: 'stopRecovered',
						description: 'Stop the server that a recovery started, and delete its files if wanted',
						action: 'Stop a recovered server',
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
			...postgresPointInTimeOperation.properties,
			...replaceFromRecoveredOperation.properties,
			...stopRecoveredOperation.properties,
			...redisOperation.properties,
			...applyPatchOperation.properties,
			...undoSwapOperation.properties,
			...fenceOperation.properties,
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
