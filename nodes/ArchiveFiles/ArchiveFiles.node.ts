import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { readFileComponent } from '../shared/file-fields';
import { fullOperation } from './full.operation';
import { incrementalOperation } from './incremental.operation';

const operations = {
	full: runnable(fullOperation),
	incremental: runnable(incrementalOperation),
};

export class ArchiveFiles implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Archive Files',
		name: 'archiveFiles',
		icon: { light: 'file:archiveFiles.svg', dark: 'file:archiveFiles.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ { full: "Full", incremental: "Incremental" }[$parameter["operation"]] + ": " + $parameter["folder"] }}',
		description: 'Back up a folder into a backup store',
		defaults: { name: 'Archive Files' },
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
						name: 'Full',
						value: 'full',
						description: 'Back up everything in a folder',
						action: 'Back up a folder',
					},
					{
						name: 'Incremental',
						value: 'incremental',
						description: 'Back up what changed in a folder since its newest backup',
						action: 'Back up what changed in a folder',
					},
				],
				default: 'full',
			},
			...fullOperation.properties,
			...incrementalOperation.properties,
		],
	};

	methods = { credentialTest };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: readFileComponent });
	}
}
