import type { INodeProperties } from 'n8n-workflow';
import { COMPONENTS } from '../../lib/catalog/component';
import { componentField } from '../shared/component-field';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { modeField, planHints, readApply } from './apply-field';

const operation = ['prune'];

function periodField(displayName: string, name: string, period: string): INodeProperties {
	return {
		displayName,
		name,
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 0 },
		default: 0,
		description: `Keep the newest backup of each of the last so many ${period}s that have one`,
	};
}

/** Deletes what the policy no longer keeps: never the newest verified ones, never what another backup needs, never after a failed run. */
export const pruneOperation: Operation<'catalog.prune'> = {
	properties: [
		modeField('prune', {
			plan: 'Say for each backup whether it would be kept, and why',
			apply: 'Delete the backups that no rule keeps',
		}),
		{
			displayName: 'Keep Last Verified',
			name: 'keepLastVerified',
			type: 'number',
			typeOptions: { minValue: 1, numberPrecision: 0 },
			default: 2,
			displayOptions: { show: { operation } },
			description: 'How many of the newest verified backups of each database are kept, however old they are',
		},
		{
			displayName: 'Keep Days',
			name: 'keepDays',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 30,
			displayOptions: { show: { operation } },
			description: 'Every backup younger than this many days is kept',
		},
		optionsCollection(operation, [
			{
				displayName: 'Overdue For (Hours)',
				name: 'overdueHours',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 8760 },
				default: 48,
				description: 'With the mode Plan: of what may go, name only what might have gone so many hours ago. Where pruning does its work, that is nothing.',
			},
			componentField,
			periodField('Daily', 'daily', 'day'),
			{
				displayName: 'Keep Recovery Points',
				name: 'keepRecoveryPoints',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: 2,
				description: 'Of how many of the newest complete recovery points all backups are kept',
			},
			periodField('Monthly', 'monthly', 'month'),
			{
				displayName: 'Time Zone',
				name: 'timeZone',
				type: 'string',
				default: '',
				placeholder: 'e.g. America/Sao_Paulo',
				description: 'Calendar by which days, weeks, months and years are counted. Without it, the one of the workflow.',
			},
			timeoutField,
			{
				displayName: 'WAL Window (Hours)',
				name: 'walWindowHours',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 24,
				description: 'Where WAL is archived: how far back every point in time stays reachable, the same as in "Prune WAL". The base backup with which that window begins is kept, whatever the other rules say.',
			},
			periodField('Weekly', 'weekly', 'week'),
			periodField('Yearly', 'yearly', 'year'),
		]),
	],

	async job(input) {
		return {
			kind: 'catalog.prune',
			store: await input.store(),
			component: input.parameters.collection('options').choice('component', 'Component', COMPONENTS),
			policy: readPolicy(input),
			walWindowHours: input.parameters.collection('options').number('walWindowHours', 'WAL Window (Hours)'),
			apply: readApply(input.parameters),
			overdueHours: input.parameters.collection('options').number('overdueHours', 'Overdue For (Hours)'),
		};
	},
	items: ({ applied, decisions, deleted, freedBytes, deletedRecoveryPoints, hold }) => [
		{
			prune: plainData({
				applied,
				kept: decisions.filter(({ action }) => action === 'keep').length,
				toDelete: decisions.filter(({ action }) => action === 'delete').length,
				deleted,
				freedBytes,
				deletedRecoveryPoints,
				hold,
				decisions,
			}),
		},
	],
	hints: planHints,
};

function readPolicy({ parameters, timeZone }: OperationInput) {
	const options = parameters.collection('options');
	return {
		keepLastVerified: parameters.number('keepLastVerified', 'Keep Last Verified'),
		keepDays: parameters.number('keepDays', 'Keep Days'),
		daily: options.number('daily', 'Daily'),
		weekly: options.number('weekly', 'Weekly'),
		monthly: options.number('monthly', 'Monthly'),
		yearly: options.number('yearly', 'Yearly'),
		keepRecoveryPoints: options.number('keepRecoveryPoints', 'Keep Recovery Points'),
		timeZone: options.text('timeZone', 'Time Zone') ?? timeZone,
	};
}
