import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';

const operation = ['stopRecovered'];

/** Ends the server that a recovery started. */
export const stopRecoveredOperation: Operation<'postgres.stopRecovered'> = {
	properties: [
		{
			displayName: 'Recovery Folder',
			name: 'recoveryFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /recovery/crm',
			displayOptions: { show: { operation } },
			description: 'The folder in which "Postgres Point in Time" recovered the server',
		},
		{
			displayName: 'Delete Recovered Server',
			name: 'remove',
			type: 'boolean',
			default: false,
			displayOptions: { show: { operation } },
			description: 'Whether to delete its files too. Only what the recovery laid out is deleted; backups and WAL in the store stay.',
		},
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, folder }) {
		return {
			kind: 'postgres.stopRecovered',
			folder: await folder(parameters.requiredText('recoveryFolder', 'Recovery Folder'), 'Recovery Folder'),
			remove: parameters.flag('remove', 'Delete Recovered Server'),
		};
	},
	items: (result) => [{ recovery: plainData(result) }],
};
