import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { snapshotOperation } from './snapshot.operation';

const operations = { snapshot: runnable(snapshotOperation) };

export class RedisSnapshot implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Redis Snapshot',
		name: 'redisSnapshot',
		icon: { light: 'file:redisSnapshot.svg', dark: 'file:redisSnapshot.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ $parameter["sourceName"] || "Snapshot" }}',
		description: 'Back up Redis or Valkey into a backup store',
		defaults: { name: 'Redis Snapshot' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{ displayName: 'Redis Server', name: 'backupRedisApi', required: true, testedBy: 'backupRedisTest' },
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
						name: 'Snapshot',
						value: 'snapshot',
						description: 'Back up all keys of a server, of a master behind Sentinels, or of a cluster',
						action: 'Take a snapshot of redis',
					},
				],
				default: 'snapshot',
			},
			...snapshotOperation.properties,
		],
	};

	methods = { credentialTest };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: () => 'redis' });
	}
}
