import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { type Component, COMPONENTS } from '../../lib/catalog/component';
import { BackupError } from '../../lib/core/errors';
import { componentOptions, readComponents } from '../shared/component-field';
import type { Operation } from '../shared/operation';
import type { Parameters } from '../shared/parameters';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { readTargets, targetFields } from './target-fields';

/** What decides how a component stands; shared with the dashboard and alerts. */
export const judging: INodeProperties[] = [
	{
		displayName: 'Components',
		name: 'components',
		type: 'multiOptions',
		options: componentOptions,
		default: [],
		description: 'Parts of the stack to look at. Without a choice: all that must be backed up, and whatever else the store knows.',
	},
	{
		displayName: 'Hold Retention on Alarm',
		name: 'holdOnAlarm',
		type: 'boolean',
		default: true,
		description: 'Whether to let nothing be pruned any more when the newest backups look like a mass delete or encrypted files, until a person lifts the hold',
	},
	{
		displayName: 'Required Components',
		name: 'requiredComponents',
		type: 'multiOptions',
		options: componentOptions,
		default: [],
		description: 'Parts of the stack that must be backed up, also where no run of them was ever tried. Without a choice: those to look at, or PostgreSQL and files.',
	},
	{
		displayName: 'Verified Within (Days)',
		name: 'verifiedWithinDays',
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 1 },
		default: 35,
		description: 'Warn when no backup of a component was verified for so long; 0: never',
	},
];

export const thresholdsField: INodeProperties = {
	displayName: 'Thresholds',
	name: 'thresholds',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	default: {},
	placeholder: 'Add Threshold',
	description: 'Until when the newest backup of a component is fine, and until when it is only late',
	options: [
		{
			displayName: 'Threshold',
			name: 'threshold',
			values: [
				{ displayName: 'Component', name: 'component', type: 'options', options: componentOptions, default: 'postgres' },
				{ displayName: 'OK Until (Hours)', name: 'okHours', type: 'number', typeOptions: { minValue: 0.1, numberPrecision: 2 }, default: 6 },
				{ displayName: 'Warning Until (Hours)', name: 'warningHours', type: 'number', typeOptions: { minValue: 0.1, numberPrecision: 2 }, default: 24 },
			],
		},
	],
};

/** How fresh, how well proven and how large the backups of each component are: one item each. */
export const statusOperation: Operation<'catalog.status'> = {
	properties: [optionsCollection(['status'], [...judging, thresholdsField, timeoutField])],

	async job({ parameters, store }) {
		return { kind: 'catalog.status', store: await store(), ...readJudging(parameters) };
	},
	items: ({ components, state, store, checkedAt, hold }) => components.map((component) => ({ status: plainData(component), overall: state, store, checkedAt, retentionHold: hold && plainData(hold) })),
};

/** What runs on a schedule and has not succeeded when it should have, one item each. */
export const overdueOperation: Operation<'catalog.status'> = {
	properties: [],
	job: async ({ store }) => ({ kind: 'catalog.status', store: await store() }),
	items: ({ overdue }) => overdue.map((schedule) => ({ schedule: plainData(schedule) })),
};

/** The same as a page, to be answered to a webhook. */
export const dashboardOperation: Operation<'catalog.dashboard'> = {
	properties: [
		{
			displayName: 'Title',
			name: 'dashboardTitle',
			type: 'string',
			default: 'Backups',
			displayOptions: { show: { operation: ['dashboard'] } },
			description: 'What stands at the top of the page',
		},
		optionsCollection(['dashboard'], [
			...judging,
			{ displayName: 'Refresh (Seconds)', name: 'refreshSeconds', type: 'number', typeOptions: { minValue: 0 }, default: 60, description: 'How often the page says that it is renewed; answer the webhook with this as the header Refresh. 0: never.' },
			...targetFields,
			thresholdsField,
			timeoutField,
		]),
	],

	async job({ parameters, store, timeZone }) {
		const refreshSeconds = parameters.collection('options').number('refreshSeconds', 'Refresh (Seconds)');
		return { kind: 'catalog.dashboard', store: await store(), ...readJudging(parameters), title: parameters.text('dashboardTitle', 'Title'), timeZone, refreshSeconds, targets: readTargets(parameters) };
	},
	items: ({ html, state, refreshSeconds }) => [{ html, state, refreshSeconds }],
};

export function readJudging(parameters: Parameters) {
	const options = parameters.collection('options');
	return {
		components: readComponents(options.raw('components'), 'Components'),
		requiredComponents: readComponents(options.raw('requiredComponents'), 'Required Components'),
		verifiedWithinDays: options.number('verifiedWithinDays', 'Verified Within (Days)'),
		holdOnAlarm: options.flag('holdOnAlarm', 'Hold Retention on Alarm') ?? true,
		thresholds: readThresholds(options.raw('thresholds')),
	};
}

function readThresholds(value: unknown): { component: Component; okHours: number; warningHours: number }[] {
	const rows = (value as { threshold?: IDataObject[] } | undefined)?.threshold ?? [];
	return rows.map((row) => {
		const component = COMPONENTS.find((known) => known === row.component);
		const okHours = Number(row.okHours);
		const warningHours = Number(row.warningHours);
		if (component === undefined || !(okHours > 0) || !(warningHours >= okHours)) {
			throw new BackupError('INVALID_INPUT', `"Thresholds" has an entry that cannot be used: ${JSON.stringify(row)}.`, 'Choose a component and two numbers of hours, the second no smaller than the first.');
		}
		return { component, okHours, warningHours };
	});
}
