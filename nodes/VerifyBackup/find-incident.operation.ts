import { databaseNameField, questionField } from '../shared/incident-fields';
import { momentIn } from '../shared/moment';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { baseFields, readBase, readServerFolder, serverFolderField, superuserField } from '../shared/recovery-fields';

const operation = ['findIncident'];
/** With an offset a time is exact as it is, to the microsecond. */
const EXACT_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

/** Which transaction did the damage. */
export const findIncidentOperation: Operation<'postgres.findIncident'> = {
	properties: [
		{
			displayName: 'A throwaway server of this machine is recovered to one moment after the other and asked your question there, as its superuser. No live server is touched, and the folder is empty again afterwards.',
			name: 'findIncidentNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		questionField({ operation }),
		databaseNameField({ displayName: 'Database', name: 'incidentDatabase', required: true, displayOptions: { show: { operation } }, description: 'The database in which the question is asked' }),
		{
			displayName: 'All Was Well At',
			name: 'incidentFrom',
			type: 'dateTime',
			default: '',
			displayOptions: { show: { operation } },
			description: "A moment before the damage, without an offset in the workflow's time zone. Leave empty for the end of the newest base backup.",
		},
		{
			displayName: 'Damage Was There At',
			name: 'incidentTo',
			type: 'dateTime',
			default: '',
			displayOptions: { show: { operation } },
			description: 'A moment after the damage. Leave empty for the newest state that is archived.',
		},
		{
			displayName: 'Recovery Folder',
			name: 'recoveryFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /recovery/search',
			displayOptions: { show: { operation } },
			description: 'A folder that does not exist yet or is empty, with room for the whole server and its WAL',
			hint: 'n8n must be allowed to use it: N8N_RESTRICT_FILE_ACCESS_TO',
		},
		...baseFields({ operation }),
		optionsCollection(operation, [
			{
				displayName: 'Most Recoveries',
				name: 'mostRecoveries',
				type: 'number',
				typeOptions: { minValue: 1, maxValue: 100, numberPrecision: 0 },
				default: 12,
				description: 'How often a base backup may be laid out. With fewer, more questions are asked.',
			},
			serverFolderField,
			superuserField,
			{
				displayName: 'Time for a Question (Minutes)',
				name: 'questionMinutes',
				type: 'number',
				typeOptions: { minValue: 0.1 },
				default: 10,
				description: 'How long the server may take to answer the question once',
			},
			{
				displayName: 'Timeline',
				name: 'timeline',
				type: 'number',
				typeOptions: { minValue: 1, numberPrecision: 0 },
				default: 1,
				description: 'The timeline to follow. Without it, the newest to which the base backup leads.',
			},
			timeoutField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const options = parameters.collection('options');
		const minutes = options.number('questionMinutes', 'Time for a Question (Minutes)');
		return {
			kind: 'postgres.findIncident',
			store: await input.store(),
			decryption: await input.decryption(),
			base: readBase(parameters),
			timeline: options.number('timeline', 'Timeline'),
			from: readMoment(input, 'incidentFrom', 'All Was Well At'),
			to: readMoment(input, 'incidentTo', 'Damage Was There At'),
			question: {
				database: parameters.requiredText('incidentDatabase', 'Database'),
				sql: parameters.requiredText('question', 'Question'),
				timeoutSeconds: minutes === undefined ? undefined : minutes * 60,
			},
			folder: await input.folder(parameters.requiredText('recoveryFolder', 'Recovery Folder'), 'Recovery Folder'),
			serverFolder: await readServerFolder(options, input.folder),
			user: options.text('user', 'Superuser'),
			mostRecoveries: options.number('mostRecoveries', 'Most Recoveries'),
		};
	},
	items: (result) => [{ incident: plainData(result) }],
	hints: ({ sentence }) => [{ message: sentence, type: 'info', location: 'outputPane' }],
};

function readMoment({ parameters, timeZone }: OperationInput, name: string, label: string): string | undefined {
	const value = parameters.raw(name);
	if (value === undefined || value === null || value === '') return undefined;
	return typeof value === 'string' && EXACT_TIME.test(value.trim()) ? value.trim().replace(' ', 'T') : momentIn(value, timeZone, label);
}
