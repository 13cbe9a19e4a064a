import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, parallelJobsField, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['restoreDrill'];

/** Restores a backup into a throwaway database and compares it with the proof that was taken with the backup. */
export const restoreDrillOperation: Operation<'verify.restoreDrill'> = {
	properties: [
		{
			displayName:
				'The backup is restored into a new, throwaway database on the server of the credential, compared table by table, and dropped again. No other database is touched.',
			name: 'drillNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...backupFields(
			{ operation },
			{ defaultChoice: 'latest', sourceHelp: 'Name of the database that was backed up. Leave empty to take the newest backup of any database.' },
		),
		{
			displayName: 'Create Missing Roles',
			name: 'createRoles',
			type: 'boolean',
			default: false,
			displayOptions: { show: { operation } },
			description:
				'Whether to create roles that the server lacks from the newest Globals backup. Off, a missing role fails the drill.',
		},
		optionsCollection(operation, [
			{
				displayName: 'Assertion Timeout (Seconds)',
				name: 'assertionTimeout',
				type: 'number',
				typeOptions: { minValue: 1 },
				default: 300,
				description: 'How long each assertion, and the HTTP check, may take',
			},
			{
				displayName: 'Assertions',
				name: 'assertions',
				type: 'string',
				typeOptions: { editor: 'sqlEditor', sqlDialect: 'PostgreSQL', rows: 6 },
				default: '',
				placeholder: 'e.g. SELECT count(*) > 0 FROM public.customers',
				description: 'SELECTs that must yield true in the restored database, separated by empty lines; a first line that begins with -- names each',
			},
			{
				displayName: 'HTTP Check',
				name: 'httpCheck',
				type: 'string',
				default: '',
				placeholder: 'e.g. https://staging.example.com/drill',
				description: 'Address that gets the name of the restored database, host and port by POST as JSON, and answers 2xx when it is content',
			},
			parallelJobsField,
			timeoutField,
		]),
	],

	async job({ parameters, store, connection, decryption }) {
		const options = parameters.collection('options');
		return {
			kind: 'verify.restoreDrill',
			store: await store(),
			connection: await connection(),
			decryption: await decryption(),
			backup: readBackupChoice(parameters),
			parallelJobs: options.number('parallelJobs', 'Parallel Jobs'),
			assertions: options.text('assertions', 'Assertions'),
			httpCheck: options.text('httpCheck', 'HTTP Check')?.trim(),
			assertionTimeoutSeconds: options.number('assertionTimeout', 'Assertion Timeout (Seconds)'),
			globals: parameters.flag('createRoles', 'Create Missing Roles') ? { by: 'latest' } : null,
		};
	},
	items: verificationItems,
};
