import { databaseField } from '../shared/database-field';
import { patchFileField } from '../shared/incident-fields';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunField, restoreCommon } from './restore-common';

const operation = ['applyPatch'];

/** Rows back into a live database. */
export const applyPatchOperation: Operation<'postgres.applyPatch'> = {
	properties: [
		databaseField({
			displayName: 'Database',
			name: 'database',
			description: 'The live database, on the server of the credential',
			displayOptions: { show: { operation } },
		}),
		patchFileField({ operation }, 'The patch that "Row Diff" of the node Verify Backup wrote, and that you have read'),
		{
			displayName: 'SHA-256',
			name: 'patchDigest',
			type: 'string',
			default: '',
			displayOptions: { show: { operation } },
			description: 'Digest of the patch that you have read, as "Row Diff" yields it: no other file is applied then. Leave empty to apply whatever the file holds.',
		},
		{ ...dryRunField('applyPatch'), description: 'Whether to apply the patch, count the rows and take it all back. Rows are locked meanwhile; nothing is changed until this is off.' },
		confirmationField({ operation }, { placeholder: 'e.g. crm_dashboard', description: 'Type the name of the database to confirm that its rows are to be changed' }),
		optionsCollection(operation, [
			{
				displayName: 'Wait for Locks (Seconds)',
				name: 'lockSeconds',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 30,
				description: 'How long to wait for a table or row that others use. With 0 there is no limit.',
			},
			timeoutField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		return {
			kind: 'postgres.applyPatch',
			...(await restoreCommon(input)),
			database: parameters.located('database', 'Database'),
			patchFile: await input.folder(parameters.requiredText('patchFile', 'Patch File'), 'Patch File'),
			sha256: parameters.text('patchDigest', 'SHA-256').trim(),
			lockWaitSeconds: parameters.collection('options').number('lockSeconds', 'Wait for Locks (Seconds)'),
		};
	},
	items: (result) => [{ patch: plainData(result) }],
	hints: ({ sentence }) => [{ message: sentence, type: 'info', location: 'outputPane' }],
};
