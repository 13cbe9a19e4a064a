import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { BackupError } from '../../lib/core/errors';
import { shortened } from '../../lib/core/words';
import type { ResultOf } from '../../lib/jobs/results';
import type { JobOf } from '../../lib/jobs/schema/job';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { wrong } from '../shared/parameters';
import type { Parameters } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { judging, readJudging, thresholdsField } from './status.operation';

type Delivered = JobOf<'alerts.record'>['delivered'][number];

const check = ['checkAlerts'];
const ofWorkflow = { show: { operation: check, alertSubject: ['workflow'] } };

const policy: INodeProperties[] = [
	{ displayName: 'Escalate After (Hours)', name: 'escalateAfterHours', type: 'string', default: '1, 4, 24', description: 'When something still lasts so long after it began, the next in line is told: hours, separated by commas' },
	{ displayName: 'Repeat After (Hours)', name: 'repeatHours', type: 'number', typeOptions: { minValue: 0 }, default: 24, description: 'When something still lasts so long after it was told last, it is told again; 0: never' },
];

/** What people must be told now: each trouble once, again when it gets worse or lasts, and when it is over. One item for each message. */
export const checkAlertsOperation: Operation<'alerts.checkStore' | 'alerts.checkWorkflow'> = {
	properties: [
		{
			displayName: 'Subject',
			name: 'alertSubject',
			type: 'options',
			noDataExpression: true,
			options: [
				{ name: 'Everything in the Store', value: 'store', description: 'Age, failed runs, damage, what is unlike before, schedules that did not run' },
				{ name: 'Workflow That Failed', value: 'workflow', description: 'For an error workflow' },
			],
			default: 'store',
			displayOptions: { show: { operation: check } },
		},
		{ displayName: 'Workflow ID', name: 'alertWorkflow', type: 'string', default: '', required: true, displayOptions: ofWorkflow, description: 'Of the workflow that failed; the alert is over when that has succeeded' },
		{ displayName: 'Title', name: 'alertTitle', type: 'string', default: '', required: true, displayOptions: ofWorkflow, description: 'One line; another one for the same workflow is told as a change, as are other words of What Happened' },
		{ displayName: 'What Happened', name: 'alertWhat', type: 'string', default: '', displayOptions: ofWorkflow, description: 'The error' },
		{ displayName: 'Advice', name: 'alertAdvice', type: 'string', default: '', displayOptions: ofWorkflow, description: 'What to do next' },
		{ displayName: 'Execution Link', name: 'alertLink', type: 'string', default: '', displayOptions: ofWorkflow, description: 'Address of the execution that failed; reminders tell it too' },
		optionsCollection(check, [...judging, ...policy, thresholdsField, timeoutField]),
	],

	async job({ parameters, store }) {
		const place = await store();
		const subject = parameters.choice('alertSubject', 'Subject', ['store', 'workflow'] as const);
		if (subject === 'store') return { kind: 'alerts.checkStore', store: place, ...readJudging(parameters), ...readPolicy(parameters) };
		const title = shortened(parameters.requiredText('alertTitle', 'Title'), 500);
		const what = shortened(parameters.text('alertWhat', 'What Happened'), 8000);
		const advice = shortened(parameters.text('alertAdvice', 'Advice'), 2000);
		const problem = { severity: 'critical' as const, title, what, advice, link: parameters.text('alertLink', 'Execution Link') };
		return { kind: 'alerts.checkWorkflow', store: place, workflow: parameters.requiredText('alertWorkflow', 'Workflow ID'), problem, ...readPolicy(parameters) };
	},
	items: (result) => result.messages.map(alertItem),
};

/** Remembers the alerts that were delivered: all input items with an `alert`. What is not remembered is told again. */
export const recordAlertsOperation: Operation<'alerts.record'> = {
	properties: [
		{
			displayName: 'Takes all input items at once: each that has the "alert" of Check Alerts counts as delivered.',
			name: 'recordAlertsNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation: ['recordAlerts'] } },
		},
	],

	async job({ items, store }) {
		return { kind: 'alerts.record', store: await store(), delivered: items.flatMap(({ json }) => (json.alert === undefined ? [] : [delivered(json.alert)])) };
	},
	items: ({ open }) => [{ openAlerts: open.map(plainData) }],
};

function alertItem({ event, problem, since, level, after }: ResultOf<'alerts.checkStore'>['messages'][number]): IDataObject {
	return { alert: plainData({ ...problem, event, since, level, after }) };
}

function delivered(alert: unknown): Delivered {
	const { key, after } = (alert ?? {}) as { key?: unknown; after?: unknown };
	if (typeof key === 'string' && (after === null || typeof after === 'object')) return { key, after: after as Delivered['after'] };
	throw new BackupError('INVALID_INPUT', 'An input item has an "alert" that does not come from Check Alerts.', 'Pass on the field "alert" as it came.');
}

function readPolicy(parameters: Parameters): { repeatHours: number | undefined; escalateAfterHours: number[] } {
	const options = parameters.collection('options');
	const text = options.text('escalateAfterHours', 'Escalate After (Hours)') ?? '';
	const escalateAfterHours = text.split(',').map((part) => part.trim()).filter(Boolean).map(Number);
	if (escalateAfterHours.some((hours, index) => !(hours > (escalateAfterHours[index - 1] ?? 0)))) {
		throw wrong('Escalate After (Hours)', `is "${text}"`, 'Give hours that grow, separated by commas, such as 1, 4, 24; or nothing.');
	}
	return { repeatHours: options.number('repeatHours', 'Repeat After (Hours)'), escalateAfterHours };
}
