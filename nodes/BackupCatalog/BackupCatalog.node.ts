import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations } from '../shared/execute';
import { listSearch } from '../shared/lookups';
import { operationProperties, operations } from './operations';

export class BackupCatalog implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Backup Catalog',
		name: 'backupCatalog',
		icon: { light: 'file:backupCatalog.svg', dark: 'file:backupCatalog.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ { breakGlassKit: "Break-Glass Kit", list: "List", prune: "Prune", cleanUp: "Clean Up", copy: "Copy", copyWal: "Copy WAL", pruneWal: "Prune WAL", recordRecoveryPoint: "Record Recovery Point", listRecoveryPoints: "List Recovery Points", chooseRecoveryPoint: "Choose Recovery Point", beginRecovery: "Begin Recovery", nextStage: "Next Stage", recordStage: "Record Stage", readRecovery: "Read Recovery", log: "Log", rebuildLog: "Rebuild Log", retentionHold: "Retention Hold", forgetSeries: "Forget Series", forgetSchedule: "Forget Schedule", lockStates: "Lock State", cleanPoints: "Clean Recovery Points", forensics: "Forensics Bundle", recoveryForecast: "Recovery Forecast", dashboard: "Dashboard", report: "Report", status: "Status", checkAlerts: "Check Alerts", recordAlerts: "Record Alerts", recordSuccess: "Record Success", recordStart: "Record Start", missedRuns: "Missed Runs", overdue: "Overdue Schedules" }[$parameter["operation"]] + (["prune", "pruneWal", "cleanUp"].includes($parameter["operation"]) ? ($parameter["mode"] === "apply" ? ": apply" : ": plan") : "") }}',
		description: 'See which backups exist, copy them to other places, and delete the ones that are no longer needed',
		defaults: { name: 'Backup Catalog' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{ displayName: 'Backup Store', name: 'backupStoreApi', required: true, testedBy: 'backupStoreTest' },
			{
				displayName: 'Target Store',
				name: 'backupTargetStoreApi',
				required: true,
				testedBy: 'backupStoreTest',
				displayOptions: { show: { operation: ['breakGlassKit', 'copy', 'copyWal'] } },
			},
			{
				displayName: 'Backup Encryption',
				name: 'backupEncryptionApi',
				required: false,
				testedBy: 'backupEncryptionTest',
				displayOptions: { show: { operation: ['breakGlassKit', 'pruneWal'] } },
			},
			{
				displayName: 'Postgres Server',
				name: 'backupPostgresApi',
				required: true,
				testedBy: 'backupPostgresTest',
				displayOptions: { show: { operation: ['log', 'rebuildLog'] } },
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
						name: 'Begin Recovery',
						value: 'beginRecovery',
						description: 'Open the journal of a recovery, or go on with one that has not ended',
						action: 'Begin a recovery or go on with it',
					},
					{
						name: 'Break-Glass Kit',
						value: 'breakGlassKit',
						description: 'Write all that people need to restore without n8n: the command line in one file, the address of the store, printable steps; proven in an empty folder',
						action: 'Write a break glass kit',
					},
					{
						name: 'Check Alerts',
						value: 'checkAlerts',
						description: 'Get what people must be told now: each trouble once, when it gets worse or lasts, and when it is over',
						action: 'Check which alerts are due',
					},
					{
						name: 'Choose Recovery Point',
						value: 'chooseRecoveryPoint',
						description: 'Get the recovery point to restore: the named one or the newest complete one, and which newer ones were passed over and why',
						action: 'Choose the recovery point to restore',
					},
					{
						name: 'Clean Recovery Points',
						value: 'cleanPoints',
						description: 'Find the newest recovery point from before an attack: the signs of encrypted or deleted files in every backup',
						action: 'Find clean recovery points',
					},
					{
						name: 'Clean Up',
						value: 'cleanUp',
						description: 'Remove what interrupted runs left in the store',
						action: 'Clean up leftovers',
					},
					{
						name: 'Copy',
						value: 'copy',
						description: 'Bring backups to another store, each byte checked there',
						action: 'Copy backups',
					},
					{
						name: 'Copy WAL',
						value: 'copyWal',
						description: 'Bring archived WAL to another store, each byte checked there',
						action: 'Copy archived wal',
					},
					{
						name: 'Dashboard',
						value: 'dashboard',
						description: 'Get a page that shows how the backups stand, to be answered to a webhook',
						action: 'Render the dashboard of the backups',
					},
					{
						name: 'Forensics Bundle',
						value: 'forensics',
						description: 'Write the records of the store, its locks and signs, and hashes of files into a folder for investigators',
						action: 'Collect a forensics bundle',
					},
					{
						name: 'Forget Schedule',
						value: 'forgetSchedule',
						description: 'End the alarms of a workflow that will never run again',
						action: 'Forget a schedule',
					},
					{
						name: 'Forget Series',
						value: 'forgetSeries',
						description: 'End the alarms of what will never be backed up again; its backups stay',
						action: 'Forget a series of backups',
					},
					{
						name: 'List',
						value: 'list',
						description: 'Get the backups in the store, newest first',
						action: 'List backups',
					},
					{
						name: 'List Recovery Points',
						value: 'listRecoveryPoints',
						description: 'Get the sets of backups that belong together, newest first',
						action: 'List recovery points',
					},
					{
						name: 'Lock State',
						value: 'lockStates',
						description: 'See which backups nobody can delete, object by object, and until when',
						action: 'Get the lock state of backups',
					},
					{
						name: 'Log',
						value: 'log',
						description: 'Write the backups of the store, the runs going on and those that failed into the table backup_log of a database',
						action: 'Write the log of the backups',
					},
					{
						name: 'Missed Runs',
						value: 'missedRuns',
						description: 'Get the scheduled runs that should have begun and have not, to start them now; each counts as begun from then on',
						action: 'Get the missed runs',
					},
					{
						name: 'Next Stage',
						value: 'nextStage',
						description: 'Write down how a stage of a recovery went, and begin the next one that is not done',
						action: 'Go to the next stage of a recovery',
					},
					{
						name: 'Overdue Schedules',
						value: 'overdue',
						description: 'Get what runs on a schedule and has not succeeded when it should have',
						action: 'Get overdue schedules',
					},
					{
						name: 'Prune',
						value: 'prune',
						description: 'Delete the backups that the policy no longer keeps',
						action: 'Prune backups',
					},
					{
						name: 'Prune WAL',
						value: 'pruneWal',
						description: 'Delete archived WAL that neither the point-in-time window nor a base backup needs',
						action: 'Prune archived wal',
					},
					{
						name: 'Read Recovery',
						value: 'readRecovery',
						description: 'See how recoveries stand: what was asked, every stage and decision, how long it took',
						action: 'Read the journal of a recovery',
					},
					{
						name: 'Rebuild Log',
						value: 'rebuildLog',
						description: 'Forget what the table backup_log says of the store and write it anew',
						action: 'Rebuild the log of the backups',
					},
					{
						name: 'Record Alerts',
						value: 'recordAlerts',
						description: 'Remember which alerts were delivered, so that they are not sent twice',
						action: 'Record delivered alerts',
					},
					{
						name: 'Record Recovery Point',
						value: 'recordRecoveryPoint',
						description: 'Write down which backups of a run belong together, and what failed',
						action: 'Record a recovery point',
					},
					{
						name: 'Record Stage',
						value: 'recordStage',
						description: 'Write a stage, a decision or the end into the journal of a recovery',
						action: 'Record a stage or decision of a recovery',
					},
					{
						name: 'Record Start',
						value: 'recordStart',
						description: 'Write down that a scheduled run has begun, so that nobody makes up for it while it runs',
						action: 'Record a start',
					},
					{
						name: 'Record Success',
						value: 'recordSuccess',
						description: 'Write down that a scheduled run succeeded, and when the next is due',
						action: 'Record a success',
					},
					{
						name: 'Recovery Forecast',
						value: 'recoveryForecast',
						description: 'How long a recovery is going to take, told from past drills, against the target',
						action: 'Forecast the time of a recovery',
					},
					{
						name: 'Report',
						value: 'report',
						description: 'Get what happened in a month as an email: goals, charts, failures, restores, every day',
						action: 'Render a report of the backups',
					},
					{
						name: 'Retention Hold',
						value: 'retentionHold',
						description: 'Keep anything from being pruned until a person lifts the hold',
						action: 'Hold or release retention',
					},
					{
						name: 'Status',
						value: 'status',
						description: 'See how fresh, how well proven and how large the backups of each part of the stack are',
						action: 'Get the status of the backups',
					},
				],
				default: 'list',
			},
			...operationProperties,
		],
	};

	methods = { credentialTest, listSearch };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations);
	}
}
