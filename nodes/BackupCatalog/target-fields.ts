import type { INodeProperties } from 'n8n-workflow';
import type { JobInput } from '../../lib/jobs/schema/job';
import type { Parameters } from '../shared/parameters';

/** What the team wants to reach; shared by the dashboard and the report. */
export const targetFields: INodeProperties[] = [
	{ displayName: 'Target: Availability (Percent)', name: 'availabilityPercent', type: 'number', typeOptions: { minValue: 0.1, maxValue: 100, numberPrecision: 3 }, default: 99.9, description: 'Share of the time in which the newest database backup is no older than the target for data at risk' },
	{ displayName: 'Target: Data at Risk (Hours)', name: 'rpoHours', type: 'number', typeOptions: { minValue: 0.01, numberPrecision: 2 }, default: 6, description: 'How much may be lost at most (RPO)' },
	{ displayName: 'Target: Longest Backup (Minutes)', name: 'durationMinutes', type: 'number', typeOptions: { minValue: 0.1, numberPrecision: 1 }, default: 30, description: 'How long a backup may take at most' },
	{ displayName: 'Target: Size (Gigabytes)', name: 'sizeGigabytes', type: 'number', typeOptions: { minValue: 0.001, numberPrecision: 3 }, default: 10, description: 'How large one full backup of everything may be at most' },
	{ displayName: 'Target: Time to Recover (Minutes)', name: 'rtoMinutes', type: 'number', typeOptions: { minValue: 0.1, numberPrecision: 1 }, default: 60, description: 'How long a recovery may take at most (RTO)' },
];

/** In seconds, bytes and a share; left out: the guide's goals. */
export function readTargets(parameters: Parameters): Extract<JobInput, { kind: 'catalog.monthlyReport' }>['targets'] {
	const options = parameters.collection('options');
	return {
		rtoSeconds: times(options.number('rtoMinutes', 'Target: Time to Recover (Minutes)'), 60),
		rpoSeconds: times(options.number('rpoHours', 'Target: Data at Risk (Hours)'), 3600),
		availability: times(options.number('availabilityPercent', 'Target: Availability (Percent)'), 0.01),
		sizeBytes: times(options.number('sizeGigabytes', 'Target: Size (Gigabytes)'), 1e9),
		durationSeconds: times(options.number('durationMinutes', 'Target: Longest Backup (Minutes)'), 60),
	};
}

function times(value: number | undefined, factor: number): number | undefined {
	return value === undefined ? undefined : value * factor;
}
