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
		optionsCollection(operation, [parallelJobsField, timeoutField]),
	],

	async job({ parameters, store, connection, decryption }) {
		return {
			kind: 'verify.restoreDrill',
			store: await store(),
			connection: await connection(),
			decryption: await decryption(),
			backup: readBackupChoice(parameters),
			parallelJobs: parameters.collection('options').number('parallelJobs', 'Parallel Jobs'),
			globals: parameters.flag('createRoles', 'Create Missing Roles') ? { by: 'latest' } : null,
		};
	},
	items: verificationItems,
};
