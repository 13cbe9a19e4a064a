import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['n8nDrill'];

/** Restores a backup of n8n into a throwaway place and opens every credential with the backed-up key. */
export const n8nDrillOperation: Operation<'verify.n8nDrill'> = {
	properties: [
		{
			displayName:
				'The backup is restored into a temporary place, its database is checked and counted, every credential is opened with the backed-up key, and everything is removed again. This needs the identity in the "Backup Encryption" credential.',
			name: 'n8nDrillNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...backupFields(
			{ operation },
			{ defaultChoice: 'latest', sourceHelp: 'Name that the n8n was backed up under. Leave empty to take the newest backup of any n8n.', searchMethod: 'searchN8nBackups' },
		),
		{
			displayName: "N8n's Database",
			name: 'n8nDatabase',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'PostgreSQL', value: 'postgres', description: 'Restored into a throwaway database on the server of the "Postgres Server" credential' },
				{ name: 'SQLite', value: 'sqlite', description: 'Restored into a temporary file' },
			],
			default: 'sqlite',
			description: 'Where the n8n that was backed up keeps its tables',
		},
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, store, connection, decryption }) {
		const onServer = parameters.choice('n8nDatabase', "N8n's Database", ['sqlite', 'postgres']) === 'postgres';
		return {
			kind: 'verify.n8nDrill',
			store: await store(),
			decryption: await decryption(),
			connection: onServer ? await connection() : null,
			backup: readBackupChoice(parameters),
		};
	},
	items: verificationItems,
};
