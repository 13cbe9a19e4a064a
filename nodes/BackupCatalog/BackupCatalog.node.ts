import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { cleanUpOperation } from './clean-up.operation';
import { listOperation } from './list.operation';
import { pruneOperation } from './prune.operation';

const operations = {
	list: runnable(listOperation),
	prune: runnable(pruneOperation),
	cleanUp: runnable(cleanUpOperation),
};

export class BackupCatalog implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Backup Catalog',
		name: 'backupCatalog',
		icon: { light: 'file:backupCatalog.svg', dark: 'file:backupCatalog.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ { list: "List", prune: "Prune", cleanUp: "Clean Up" }[$parameter["operation"]] + ($parameter["operation"] === "list" ? "" : ($parameter["mode"] === "apply" ? ": apply" : ": plan")) }}',
		description: 'See which backups exist, and delete the ones that are no longer needed',
		defaults: { name: 'Backup Catalog' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [{ displayName: 'Backup Store', name: 'backupStoreApi', required: true, testedBy: 'backupStoreTest' }],
		properties: [
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Clean Up',
						value: 'cleanUp',
						description: 'Remove what interrupted runs left in the store',
						action: 'Clean up leftovers',
					},
					{
						name: 'List',
						value: 'list',
						description: 'Get the backups in the store, newest first',
						action: 'List backups',
					},
					{
						name: 'Prune',
						value: 'prune',
						description: 'Delete the backups that the policy no longer keeps',
						action: 'Prune backups',
					},
				],
				default: 'list',
			},
			...listOperation.properties,
			...pruneOperation.properties,
			...cleanUpOperation.properties,
		],
	};

	methods = { credentialTest };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations);
	}
}
