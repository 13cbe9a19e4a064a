import { type INodeType, type INodeTypeDescription, type ITriggerFunctions, type ITriggerResponse, NodeConnectionTypes } from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { lockWaitField, compressionField } from '../shared/option-fields';
import { slotField } from '../shared/wal-fields';
import { startStreaming } from './stream';

export class PostgresWalTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Postgres WAL Trigger',
		name: 'postgresWalTrigger',
		icon: { light: 'file:postgresWalTrigger.svg', dark: 'file:postgresWalTrigger.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '=every {{ $parameter["pieceSeconds"] }} s',
		description: 'Archives the WAL of a PostgreSQL server as it is written, and starts the workflow with how that goes',
		defaults: { name: 'Postgres WAL Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{ displayName: 'Postgres Server', name: 'backupPostgresApi', required: true, testedBy: 'backupPostgresTest' },
			{ displayName: 'Backup Store', name: 'backupStoreApi', required: true, testedBy: 'backupStoreTest' },
			{ displayName: 'Backup Encryption', name: 'backupEncryptionApi', required: false, testedBy: 'backupEncryptionTest' },
		],
		properties: [
			{
				displayName: 'Name',
				name: 'sourceName',
				type: 'string',
				default: '',
				placeholder: 'e.g. main',
				description: 'Name of the server in items and messages. Leave empty to use its address.',
			},
			{
				displayName: 'Archive Every (Seconds)',
				name: 'pieceSeconds',
				type: 'number',
				typeOptions: { minValue: 1, maxValue: 3600 },
				default: 10,
				description: 'How often what was written is put into the store: at most so much is lost with the server',
			},
			{
				displayName: 'Start the Workflow',
				name: 'startOn',
				type: 'options',
				options: [
					{ name: 'After Each Segment', value: 'segment', description: 'Each time that a whole segment of WAL is archived (16 MB, unless the server was set up with another size), which may be often, or hardly ever' },
					{ name: 'At an Interval', value: 'interval', description: 'With what was archived since the last time, also when nothing was written' },
				],
				default: 'interval',
				description: 'When the workflow is started. Warnings start it at once, whatever is chosen here.',
			},
			{
				displayName: 'Interval (Minutes)',
				name: 'itemMinutes',
				type: 'number',
				typeOptions: { minValue: 0.1 },
				default: 5,
				displayOptions: { show: { startOn: ['interval'] } },
				description: 'How often the workflow is started',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					compressionField,
					{
						displayName: 'Heartbeat (Seconds)',
						name: 'heartbeatSeconds',
						type: 'number',
						typeOptions: { minValue: 0 },
						default: 60,
						description: 'How often an idle server gets a small commit, so that the time up to which it can be recovered moves on. With 0 it is left alone.',
					},
					slotField,
					lockWaitField,
				],
			},
		],
	};

	methods = { credentialTest };

	async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
		return await startStreaming(this);
	}
}
