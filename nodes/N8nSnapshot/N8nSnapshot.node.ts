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

const operations = {
	snapshot: runnable(snapshotOperation),
};

export class N8nSnapshot implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'n8n Snapshot',
		name: 'n8nSnapshot',
		icon: { light: 'file:n8nSnapshot.svg', dark: 'file:n8nSnapshot.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ { own: "This n8n", folder: "Another n8n" }[$parameter["instance"]] }}',
		description: 'Back up n8n itself into a backup store: workflows, credentials, settings and the encryption key',
		defaults: { name: 'n8n Snapshot' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
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
						description: 'Back up all that an empty n8n needs to become this one',
						action: 'Back up n8n',
					},
				],
				default: 'snapshot',
			},
			...snapshotOperation.properties,
		],
	};

	methods = { credentialTest };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: () => 'n8n' });
	}
}
