import type { INodeProperties } from 'n8n-workflow';
import { stageNameSchema } from '../../lib/catalog/recovery-journal';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { wrong } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { attemptFields, readAttempt, reportOf } from './journal-fields';

const operation = ['recordStage'];

const text = (displayName: string, name: string, what: string[], description: string, required = true): INodeProperties => ({
	displayName,
	name,
	type: 'string',
	default: '',
	required,
	displayOptions: { show: { operation, what } },
	description,
});

/** Writes one thing into the journal of a recovery: that a stage begins or how it ended, what a person decided, that it is over. */
export const recordStageOperation: Operation<'recovery.note'> = {
	properties: [
		{
			displayName: 'What',
			name: 'what',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'Decision', value: 'decision', description: 'What a person was asked, and answered' },
				{ name: 'Recovery Is Given Up', value: 'abandoned', description: 'It will not be gone on with' },
				{ name: 'Recovery Is Over', value: 'succeeded', description: 'Everything that it was for has been done' },
				{ name: 'Stage Begins', value: 'started', description: 'From now on it is under way' },
				{ name: 'Stage Ended', value: 'ended', description: 'The input tells how: an item with an "error" failed; anything else is its result' },
			],
			default: 'ended',
			displayOptions: { show: { operation } },
		},
		text('Stage', 'stage', ['started', 'ended'], 'The name that Begin Recovery knows it by'),
		text('Question', 'question', ['decision'], 'What was asked'),
		text('Answer', 'answer', ['decision'], 'What the person said'),
		text('Reason', 'reason', ['abandoned', 'succeeded'], 'Why, for those who read it later', false),
		text('Decided By', 'decidedBy', ['decision'], 'Who', false),
		...attemptFields(operation),
		optionsCollection(operation, [timeoutField]),
	],

	async job(input) {
		return { kind: 'recovery.note', store: await input.store(), ...readAttempt(input.parameters), note: readNote(input) };
	},
	items: ({ recovery }) => [{ recovery: plainData(recovery) }],
};

function readNote({ parameters, items }: OperationInput) {
	const what = parameters.choice('what', 'What', ['decision', 'abandoned', 'succeeded', 'started', 'ended']);
	switch (what) {
		case 'started':
			return { what, stage: readStage(parameters.requiredText('stage', 'Stage')) };
		case 'ended':
			return { what, stage: readStage(parameters.requiredText('stage', 'Stage')), report: reportOf(items) };
		case 'decision':
			return { what, question: parameters.requiredText('question', 'Question'), answer: parameters.requiredText('answer', 'Answer'), by: parameters.text('decidedBy', 'Decided By') };
		case 'abandoned':
		case 'succeeded':
			return { what: 'closed' as const, outcome: what, reason: parameters.text('reason', 'Reason') };
	}
}

function readStage(name: string): string {
	if (stageNameSchema.safeParse(name).success) return name;
	throw wrong('Stage', 'is not the name of a stage', 'Use lower case letters, digits and hyphens, as in Begin Recovery.');
}
