import { BACKUP_KINDS, type BackupKind, COMPONENTS } from '../../lib/catalog/component';
import { componentOptions } from '../shared/component-field';
import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';

const ofSeries = { show: { operation: ['forgetSeries'] } };

const KIND_NAMES: Readonly<Record<BackupKind, string>> = { full: 'Full', incremental: 'Incremental', base: 'Base Backup', globals: 'Globals', partial: 'Partial', extract: 'Changed Rows', safety: 'Safety Backup' };

/** Ends the alarms of what will never be backed up again. */
export const forgetSeriesOperation: Operation<'catalog.forgetSeries'> = {
	properties: [
		{ displayName: 'Component', name: 'forgetComponent', type: 'options', options: componentOptions, default: 'postgres', displayOptions: ofSeries, description: 'The part of the stack that it belongs to' },
		{
			displayName: 'Source',
			name: 'forgetSource',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. old_crm',
			displayOptions: ofSeries,
			description: 'What will never be backed up again, written exactly as its backups have it: the name of the database or folder. Its backups stay; a new one ends the forgetting.',
		},
		{
			displayName: 'Kind',
			name: 'forgetKind',
			type: 'options',
			options: [{ name: 'All Kinds', value: 'all', description: 'The source is gone: nothing new of it is expected' }, ...BACKUP_KINDS.map((value) => ({ name: KIND_NAMES[value], value, description: 'Forget only how the newest run of this kind went' })).sort((a, b) => (a.name < b.name ? -1 : 1))],
			default: 'all',
			displayOptions: ofSeries,
			description: 'Whether all of the source is gone, or only one kind of its backups',
		},
	],

	async job({ parameters, store }) {
		const kind = parameters.choice('forgetKind', 'Kind', ['all', ...BACKUP_KINDS] as const);
		return {
			kind: 'catalog.forgetSeries',
			store: await store(),
			component: parameters.choice('forgetComponent', 'Component', COMPONENTS),
			source: parameters.requiredText('forgetSource', 'Source'),
			backupKind: kind === 'all' ? null : kind,
		};
	},
	items: (result) => [{ forgotten: plainData(result) }],
};

/** Ends the alarms of a schedule that is gone for good. */
export const forgetScheduleOperation: Operation<'catalog.forgetSchedule'> = {
	properties: [
		{
			displayName: 'Schedule ID',
			name: 'forgetScheduleId',
			type: 'string',
			default: '',
			required: true,
			displayOptions: { show: { operation: ['forgetSchedule'] } },
			description: 'ID of the workflow that will never run again, as Overdue Schedules tells it. With its next success it is expected again.',
		},
	],

	async job({ parameters, store }) {
		return { kind: 'catalog.forgetSchedule', store: await store(), id: parameters.requiredText('forgetScheduleId', 'Schedule ID') };
	},
	items: (result) => [{ forgotten: plainData(result) }],
};
