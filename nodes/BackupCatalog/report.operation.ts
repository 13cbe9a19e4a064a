import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { judging, readJudging, thresholdsField } from './status.operation';
import { readTargets, targetFields } from './target-fields';

/** What happened in a month, as an email with a plain-text part. */
export const reportOperation: Operation<'catalog.monthlyReport'> = {
	properties: [
		{
			displayName: 'Title',
			name: 'reportTitle',
			type: 'string',
			default: 'Backups',
			displayOptions: { show: { operation: ['report'] } },
			description: 'What stands at the top of the report and in its subject',
		},
		optionsCollection(['report'], [
			...judging,
			{ displayName: 'Days', name: 'days', type: 'number', typeOptions: { minValue: 0, maxValue: 366 }, default: 0, description: 'How many days up to now the report is about; 0 is the whole calendar month before' },
			...targetFields,
			thresholdsField,
			timeoutField,
		]),
	],

	async job({ parameters, store, timeZone }) {
		const options = parameters.collection('options');
		return {
			kind: 'catalog.monthlyReport',
			store: await store(),
			...readJudging(parameters),
			title: parameters.text('reportTitle', 'Title'),
			timeZone,
			days: options.number('days', 'Days'),
			targets: readTargets(parameters),
		};
	},
	items: ({ subject, html, text, state, failures }) => [{ subject, html, text, state, failures: failures.map(plainData) }],
};
