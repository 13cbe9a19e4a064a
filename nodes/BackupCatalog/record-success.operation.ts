import type { INodeProperties } from 'n8n-workflow';
import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';
import { nextStart } from './next-start';

const displayOptions = { show: { operation: ['recordSuccess'] } };
const ofBoth = { show: { operation: ['recordSuccess', 'recordStart'] } };

const which: INodeProperties[] = [
	{ displayName: 'Schedule ID', name: 'scheduleId', type: 'string', default: '={{ $workflow.id }}', required: true, displayOptions: ofBoth, description: 'What tells this schedule from others: the ID of its workflow' },
	{ displayName: 'Schedule Name', name: 'scheduleName', type: 'string', default: '={{ $workflow.name }}', required: true, displayOptions: ofBoth, description: 'What alerts call it' },
];

/** Writes down that a scheduled run has succeeded and when the next is due, so that one that does not come is noticed, also from elsewhere. */
export const recordSuccessOperation: Operation<'catalog.recordSuccess'> = {
	properties: [
		...which,
		{
			displayName: 'Next Within (Hours)',
			name: 'nextWithinHours',
			type: 'number',
			typeOptions: { minValue: 0.01, numberPrecision: 2 },
			default: 25,
			displayOptions,
			description: 'How long until the next success must have come: the interval of the schedule and what a slow run may take longer',
		},
		{
			displayName: 'Trigger Rules',
			name: 'triggerRules',
			type: 'json',
			default: '',
			displayOptions,
			description: 'When the next run is to begin: the rules of the Schedule Trigger, by an expression such as $(\'Schedule Trigger\').params.rule. Where they are given, Missed Runs makes up for a run that did not begin.',
		},
	],

	async job({ parameters, store, now, timeZone }) {
		return {
			kind: 'catalog.recordSuccess',
			store: await store(),
			id: parameters.requiredText('scheduleId', 'Schedule ID'),
			name: parameters.requiredText('scheduleName', 'Schedule Name'),
			nextWithinHours: parameters.number('nextWithinHours', 'Next Within (Hours)'),
			dueAt: nextStart(parameters.raw('triggerRules'), now, timeZone)?.toISOString(),
		};
	},
	items: ({ expected }) => [{ expected: plainData(expected) }],
};

/** Writes down that a scheduled run has begun, so that nobody makes up for it while it runs. */
export const recordStartOperation: Operation<'catalog.recordStart'> = {
	properties: [],
	job: async ({ parameters, store }) => ({
		kind: 'catalog.recordStart',
		store: await store(),
		id: parameters.requiredText('scheduleId', 'Schedule ID'),
		name: parameters.requiredText('scheduleName', 'Schedule Name'),
	}),
	items: ({ started }) => [{ started: plainData(started) }],
};

/** What should have begun by the clock and has not, one item each; it counts as begun from then on. */
export const missedRunsOperation: Operation<'catalog.missedRuns'> = {
	properties: [],
	job: async ({ store }) => ({ kind: 'catalog.missedRuns', store: await store() }),
	items: ({ missed }) => missed.map((schedule) => ({ schedule: plainData(schedule) })),
};
