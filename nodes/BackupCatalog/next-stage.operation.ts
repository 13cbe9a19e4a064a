import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { attemptFields, readAttempt, reportOf } from './journal-fields';

const operation = ['nextStage'];

/** Writes down how the stage at hand went, and begins the next one that is not done: the heart of a runbook that can be gone on with. */
export const nextStageOperation: Operation<'recovery.next'> = {
	properties: [
		{
			displayName:
				'Lead the output and the error output of every stage here, and what comes out into a Switch on "stage". An item with an "error" is a stage that failed, one with the text "skipped" one that was not needed; everything else is the result of the stage.',
			name: 'nextStageNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...attemptFields(operation),
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, items, store }) {
		return { kind: 'recovery.next', store: await store(), ...readAttempt(parameters), report: reportOf(items) };
	},
	items: ({ recovery, stage, next }) => [{ stage: stage ?? next, next, recovery: plainData(recovery) }],
};
