import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';

const displayOptions = { show: { operation: ['recordSuccess'] } };

/** Writes down that a scheduled run has succeeded and when the next is due, so that one that does not come is noticed, also from elsewhere. */
export const recordSuccessOperation: Operation<'catalog.recordSuccess'> = {
	properties: [
		{ displayName: 'Schedule ID', name: 'scheduleId', type: 'string', default: '={{ $workflow.id }}', required: true, displayOptions, description: 'What tells this schedule from others: the ID of its workflow' },
		{ displayName: 'Schedule Name', name: 'scheduleName', type: 'string', default: '={{ $workflow.name }}', required: true, displayOptions, description: 'What alerts call it' },
		{
			displayName: 'Next Within (Hours)',
			name: 'nextWithinHours',
			type: 'number',
			typeOptions: { minValue: 0.01, numberPrecision: 2 },
			default: 25,
			displayOptions,
			description: 'How long until the next success must have come: the interval of the schedule and what a slow run may take longer',
		},
	],

	async job({ parameters, store }) {
		return {
			kind: 'catalog.recordSuccess',
			store: await store(),
			id: parameters.requiredText('scheduleId', 'Schedule ID'),
			name: parameters.requiredText('scheduleName', 'Schedule Name'),
			nextWithinHours: parameters.number('nextWithinHours', 'Next Within (Hours)'),
		};
	},
	items: ({ expected }) => [{ expected: plainData(expected) }],
};
