import { stageNameSchema } from '../../lib/catalog/recovery-journal';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { wrong } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { readRecord } from './journal-fields';

const operation = ['beginRecovery'];

/** Begins the journal of a recovery, or goes on with the one of that name that has not ended. */
export const beginRecoveryOperation: Operation<'recovery.begin'> = {
	properties: [
		{
			displayName: 'Name',
			name: 'recoveryName',
			type: 'string',
			default: '={{ $workflow.name }}',
			required: true,
			displayOptions: { show: { operation } },
			description: 'What the runbook is called. A recovery of this name that has not ended is gone on with.',
		},
		{
			displayName: 'Stages',
			name: 'stages',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. fence, database, redis, files, unfence',
			displayOptions: { show: { operation } },
			description: 'The stages in the order in which they are to be done, separated by commas; an expression may yield a list',
		},
		{
			displayName: 'Asked For',
			name: 'asked',
			type: 'json',
			default: '{}',
			displayOptions: { show: { operation } },
			description: 'Whatever the stages need to know, such as the recovery point. Kept in the store, so that the recovery can be gone on with after n8n has died. No secrets.',
		},
		{
			displayName: 'Asked By',
			name: 'askedBy',
			type: 'string',
			default: '',
			placeholder: 'e.g. Ana, by telephone',
			displayOptions: { show: { operation } },
			description: 'Who wants it, for the record',
		},
		{
			displayName: 'When One Is Open',
			name: 'whenOpen',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'Go On With It', value: 'resume', description: 'Stages that are done stay done; the one that was interrupted comes again' },
				{ name: 'Refuse', value: 'refuse', description: 'Fail and say which one is open' },
			],
			default: 'resume',
			displayOptions: { show: { operation } },
			description: 'What to do when a recovery of this name has not ended',
		},
		optionsCollection(operation, [
			{
				displayName: 'Execution',
				name: 'execution',
				type: 'string',
				default: '',
				placeholder: 'e.g. http://n8n:5678/workflow/…/executions/17',
				description: 'Address or number of the execution, for those who read the journal',
			},
			{
				displayName: 'Only the Same Request',
				name: 'onlyTheSame',
				type: 'boolean',
				default: false,
				description: 'Whether to refuse to go on with an open recovery that was asked for something else, instead of restoring what was asked then',
			},
			{
				displayName: 'Take Over',
				name: 'takeOver',
				type: 'boolean',
				default: false,
				description: 'Whether to go on with an open recovery although somebody may still be at it. Their next step is then refused.',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store }) {
		const options = parameters.collection('options');
		return {
			kind: 'recovery.begin',
			store: await store(),
			name: parameters.requiredText('recoveryName', 'Name'),
			stages: readStages(parameters.raw('stages')),
			asked: readRecord(parameters.raw('asked'), 'Asked For'),
			by: parameters.text('askedBy', 'Asked By'),
			whenOpen: parameters.choice('whenOpen', 'When One Is Open', ['resume', 'refuse']),
			execution: options.text('execution', 'Execution'),
			takeOver: options.flag('takeOver', 'Take Over'),
			onlyTheSame: options.flag('onlyTheSame', 'Only the Same Request'),
		};
	},
	items: ({ recovery, resumed, interruptedStage }) => [{ recovery: plainData(recovery), resumed, interruptedStage }],
};

function readStages(value: unknown): string[] {
	const names = Array.isArray(value) ? value.map(String) : (typeof value === 'string' ? value : '').split(',');
	const stages = names.map((name) => name.trim()).filter((name) => name !== '');
	const strange = stages.find((name) => !stageNameSchema.safeParse(name).success);
	if (stages.length === 0) throw wrong('Stages', 'is empty', 'Name the stages, separated by commas.');
	if (strange !== undefined) throw wrong('Stages', `holds ${JSON.stringify(strange)}`, 'Use lower case letters, digits and hyphens, separated by commas.');
	return stages;
}
