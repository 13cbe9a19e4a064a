import type { NodeExecutionHint } from 'n8n-workflow';
import type { RestoreResult } from '../../lib/jobs/results';
import { backupFields, backupLocator, readBackupChoice, readBackupId } from '../shared/backup-field';
import { databaseField } from '../shared/database-field';
import { momentIn } from '../shared/moment';
import type { Operation, OperationInput } from '../shared/operation';
import { lockWaitField, optionsCollection, parallelJobsField, timeoutField, readLockWaitSeconds } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunField, dryRunHints, restoreCommon } from './restore-common';

const operation = ['postgresDatabase'];
const MODES = ['swap', 'new', 'existing'] as const;

/** A database back from a dump: beside the live one and then swapped in, into a new one, or into an empty one. */
export const postgresDatabaseOperation: Operation<'postgres.restoreDatabase'> = {
	properties: [
		...backupFields(
			{ operation },
			{ defaultChoice: 'latestVerified', sourceHelp: 'Name of the database that was backed up. Leave empty when it is the same as the target database.' },
		),
		{
			displayName: 'Restore To',
			name: 'targetMode',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{
					name: 'Beside and Swap',
					value: 'swap',
					description:
						'Restore beside the live database, prove the copy, then exchange the two by name. The old database is kept under a new name.',
				},
				{
					name: 'Existing Empty Database',
					value: 'existing',
					description: 'Restore into a database that exists and holds nothing yet',
				},
				{ name: 'New Database', value: 'new', description: 'Create a database for it; nothing that exists is touched' },
			],
			default: 'swap',
			description: 'Where the restored data goes',
		},
		databaseField({
			displayName: 'Target Database',
			name: 'targetDatabase',
			description: 'The database that is to hold the restored data',
			displayOptions: { show: { operation, targetMode: ['swap', 'existing'] } },
		}),
		{
			displayName: 'New Database Name',
			name: 'newDatabase',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. crm_dashboard_restored',
			description: 'Name of the database that is created. It must not exist yet.',
			displayOptions: { show: { operation, targetMode: ['new'] } },
		},
		dryRunField('postgresDatabase'),
		confirmationField(
			{ operation, targetMode: ['swap', 'existing'] },
			{
				placeholder: 'e.g. crm_dashboard',
				description: 'Type the name of the target database, so that the wrong one is never replaced',
			},
		),
		{
			displayName: 'Missing Roles',
			name: 'globalsChoice',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{
					name: 'Create From Latest Globals Backup',
					value: 'latest',
					description: 'Roles that the server lacks are created from the newest Globals backup in the store',
				},
				{
					name: 'Create From Specific Globals Backup',
					value: 'id',
					description: 'Roles that the server lacks are created from a Globals backup that you choose',
				},
				{ name: 'Fail', value: 'none', description: 'Stop before anything is changed and name the roles that are missing' },
			],
			default: 'none',
			description: 'What to do when roles that own or use something in the backup do not exist on the server',
		},
		backupLocator({
			displayName: 'Globals Backup',
			name: 'globalsBackup',
			description: 'The Globals backup to take missing roles from, newest first',
			searchMethod: 'searchGlobals',
			displayOptions: { show: { operation, globalsChoice: ['id'] } },
		}),
		optionsCollection(operation, [
			{
				displayName: 'Keep Closed',
				name: 'keepClosed',
				type: 'boolean',
				default: false,
				description: 'Whether to let nobody into the swapped-in database until its fence is lifted (see the operation Fence)',
			},
			{
				displayName: 'Minimum Verification',
				name: 'minimumVerification',
				type: 'options',
				options: [
					{ name: 'Checksum', value: 'checksum', description: 'Its bytes have been compared with what was written' },
					{ name: 'None', value: 'none', description: 'An unverified backup may be restored; its bytes are checked all the same' },
					{ name: 'Restore', value: 'restore', description: 'It has been restored before, and its contents were equal' },
					{ name: 'Structure', value: 'structure', description: 'The archive has been read to its end by pg_restore' },
				],
				default: 'none',
				description: 'How well the backup must have been verified before; otherwise the restore is refused',
			},
			parallelJobsField,
			timeoutField,
			{
				displayName: 'Unless Swapped In Since',
				name: 'unlessSwappedSince',
				type: 'dateTime',
				default: '',
				description: 'Do nothing where a swap since then has put this very backup in place. For runbooks that go on with what a dead run began: the server is asked, not the run.',
			},
			lockWaitField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const options = parameters.collection('options');
		const target = readTarget(input);
		const since = options.raw('unlessSwappedSince');
		return {
			kind: 'postgres.restoreDatabase',
			...(await restoreCommon(input)),
			store: await input.store(),
			decryption: await input.decryption(),
			backup: readBackupChoice(parameters, target.database),
			target,
			parallelJobs: options.number('parallelJobs', 'Parallel Jobs'),
			minimumVerification: options.choice('minimumVerification', 'Minimum Verification', ['none', 'checksum', 'structure', 'restore']),
			globals: readGlobals(input),
			lockWaitSeconds: readLockWaitSeconds(options),
			keepClosed: options.flag('keepClosed', 'Keep Closed'),
			unlessSwappedSince: since === undefined || since === null || since === '' ? null : momentIn(since, input.timeZone, 'Unless Swapped In Since'),
		};
	},
	items: (result) => [{ restore: plainData(result) }],
	hints: (result) => [
		...dryRunHints(result),
		...refusalHints(result),
		...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	],
};

/** What a dry run found that would stop the restore. */
function refusalHints({ dryRun, checks }: RestoreResult): NodeExecutionHint[] {
	if (!dryRun) return [];
	return checks
		.filter(({ state }) => state === 'failed')
		.map(({ check, detail, hint }) => ({
			message: `This restore would be refused. ${[`${check}: ${detail}`, hint].filter(Boolean).join(' ')}`,
			type: 'danger',
			location: 'outputPane',
		}));
}

function readTarget({ parameters }: OperationInput) {
	const mode = parameters.choice('targetMode', 'Restore To', MODES);
	const database =
		mode === 'new' ? parameters.requiredText('newDatabase', 'New Database Name') : parameters.located('targetDatabase', 'Target Database');
	return { mode, database };
}

function readGlobals({ parameters }: OperationInput) {
	const by = parameters.choice('globalsChoice', 'Missing Roles', ['none', 'latest', 'id']);
	switch (by) {
		case 'none':
			return null;
		case 'latest':
			return { by };
		case 'id':
			return { by, id: readBackupId(parameters.located('globalsBackup', 'Globals Backup'), 'Globals Backup') };
	}
}
