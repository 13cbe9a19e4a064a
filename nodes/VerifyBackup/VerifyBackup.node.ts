import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';
import { credentialTest } from '../shared/credential-tests';
import { executeOperations, runnable } from '../shared/execute';
import { verifiedComponent } from './verified-component';
import { listSearch } from '../shared/lookups';
import { compareDatabasesOperation } from './compare-databases.operation';
import { continuityOperation } from './continuity.operation';
import { crossCheckOperation } from './cross-check.operation';
import { filesDrillOperation } from './files-drill.operation';
import { askQuestionOperation } from './ask-question.operation';
import { findIncidentOperation } from './find-incident.operation';
import { integrityOperation } from './integrity.operation';
import { n8nDrillOperation } from './n8n-drill.operation';
import { recoveryDrillOperation } from './recovery-drill.operation';
import { redisDrillOperation } from './redis-drill.operation';
import { rowDiffOperation } from './row-diff.operation';
import { restoreDrillOperation } from './restore-drill.operation';

const operations = {
	compareDatabases: runnable(compareDatabasesOperation),
	continuity: runnable(continuityOperation),
	crossCheck: runnable(crossCheckOperation),
	askQuestion: runnable(askQuestionOperation),
	findIncident: runnable(findIncidentOperation),
	rowDiff: runnable(rowDiffOperation),
	integrity: runnable(integrityOperation),
	restoreDrill: runnable(restoreDrillOperation),
	filesDrill: runnable(filesDrillOperation),
	n8nDrill: runnable(n8nDrillOperation),
	recoveryDrill: runnable(recoveryDrillOperation),
	redisDrill: runnable(redisDrillOperation),
};

export class VerifyBackup implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Verify Backup',
		name: 'verifyBackup',
		icon: { light: 'file:verifyBackup.svg', dark: 'file:verifyBackup.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{ { integrity: "Integrity", restoreDrill: "Restore Drill", filesDrill: "Files Restore Drill", n8nDrill: "n8n Restore Drill", redisDrill: "Redis Restore Drill", recoveryDrill: "Recovery Drill", crossCheck: "Cross Check", continuity: "WAL Continuity", compareDatabases: "Compare Databases", askQuestion: "Ask Question", findIncident: "Find Incident", rowDiff: "Row Diff" }[$parameter["operation"]] }}',
		description: 'Prove that a backup is intact and can be restored',
		defaults: { name: 'Verify Backup' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: undefined,
		credentials: [
			{
				displayName: 'Backup Store',
				name: 'backupStoreApi',
				required: true,
				testedBy: 'backupStoreTest',
				displayOptions: { hide: { operation: ['askQuestion', 'compareDatabases', 'rowDiff'] } },
			},
			{
				displayName: 'Postgres Server',
				name: 'backupPostgresApi',
				required: true,
				testedBy: 'backupPostgresTest',
				displayOptions: { show: { operation: ['askQuestion', 'compareDatabases', 'crossCheck', 'n8nDrill', 'recoveryDrill', 'restoreDrill', 'rowDiff'] }, hide: { n8nDatabase: ['sqlite'], recoveryMode: ['startHere'] } },
			},
			{
				displayName: 'Empty Redis Server',
				name: 'backupRedisApi',
				required: true,
				testedBy: 'backupRedisTest',
				displayOptions: { show: { operation: ['redisDrill'], redisServer: ['credential'] } },
			},
			{
				displayName: 'Backup Encryption',
				name: 'backupEncryptionApi',
				required: false,
				testedBy: 'backupEncryptionTest',
				displayOptions: { hide: { operation: ['askQuestion', 'compareDatabases', 'rowDiff'] } },
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
						name: 'Ask Question',
						value: 'askQuestion',
						description: 'Ask a live database whether the damage of an incident is there',
						action: 'Ask a database a question',
					},
					{
						name: 'Compare Databases',
						value: 'compareDatabases',
						description: 'Compare a live database with a recovered one: rows of each table before and now, and which changed',
						action: 'Compare a live database with a recovered one',
					},
					{
						name: 'Cross Check',
						value: 'crossCheck',
						description: 'Compare the file paths in a database with the files that there are',
						action: 'Cross check database and files',
					},
					{
						name: 'Files Restore Drill',
						value: 'filesDrill',
						description: 'Restore files into a throwaway folder and compare them with the index',
						action: 'Run a restore drill of files',
					},
					{
						name: 'Find Incident',
						value: 'findIncident',
						description: 'Find the transaction that did the damage, by asking throwaway recoveries',
						action: 'Find the moment of an incident',
					},
					{
						name: 'Integrity',
						value: 'integrity',
						description: 'Check that the bytes are as written and that the archive can be read',
						action: 'Check the integrity of a backup',
					},
					{
						name: 'N8n Restore Drill',
						value: 'n8nDrill',
						description: 'Restore a backup of n8n into a temporary place, compare it and open every credential with its key',
						action: 'Run a restore drill of n8n',
					},
					{
						name: 'Recovery Drill',
						value: 'recoveryDrill',
						description: 'Recover a PostgreSQL server from base backup and WAL with a throwaway server and read all of its pages',
						action: 'Run a recovery drill of postgres',
					},
					{
						name: 'Redis Restore Drill',
						value: 'redisDrill',
						description: 'Restore a snapshot of Redis into a throwaway server and compare the number of keys',
						action: 'Run a restore drill of redis',
					},
					{
						name: 'Restore Drill',
						value: 'restoreDrill',
						description: 'Restore into a throwaway database and compare it with the proof taken at backup time',
						action: 'Run a restore drill',
					},
					{
						name: 'Row Diff',
						value: 'rowDiff',
						description: 'Write a patch that brings back the rows that an incident changed, and keeps what came later',
						action: 'Write a patch of rows',
					},
					{
						name: 'WAL Continuity',
						value: 'continuity',
						description: 'Check that archived WAL leads from a base backup to the newest point without a gap, and from when to when',
						action: 'Check the continuity of archived wal',
					},
				],
				default: 'restoreDrill',
			},
			...askQuestionOperation.properties,
			...findIncidentOperation.properties,
			...rowDiffOperation.properties,
			...integrityOperation.properties,
			...restoreDrillOperation.properties,
			...filesDrillOperation.properties,
			...n8nDrillOperation.properties,
			...compareDatabasesOperation.properties,
			...crossCheckOperation.properties,
			...recoveryDrillOperation.properties,
			...continuityOperation.properties,
			...redisDrillOperation.properties,
		],
	};

	methods = { credentialTest, listSearch };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await executeOperations(this, operations, { component: verifiedComponent });
	}
}
