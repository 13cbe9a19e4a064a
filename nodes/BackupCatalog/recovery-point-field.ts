import type { INodeProperties } from 'n8n-workflow';
import { recoveryPointIdSchema } from '../../lib/catalog/recovery-point';
import { type Parameters, wrong } from '../shared/parameters';

/** The fields with which a person says which recovery point to use. */
export function recoveryPointFields(show: NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>): INodeProperties[] {
	return [
		{
			displayName: 'Recovery Point',
			name: 'recoveryPointChoice',
			type: 'options',
			displayOptions: { show },
			options: [
				{ name: 'Latest', value: 'latest', description: 'The newest one, also where something of its run failed' },
				{ name: 'Latest Complete', value: 'latestComplete', description: 'The newest one of which nothing is missing' },
				{ name: 'Specific Recovery Point', value: 'id', description: 'One that you name by its ID' },
			],
			default: 'latest',
			description: 'Which recovery point to use',
		},
		{
			displayName: 'Recovery Point ID',
			name: 'recoveryPoint',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 20261122T020000Z-set-a1b2c3',
			displayOptions: { show: { ...show, recoveryPointChoice: ['id'] } },
			description: 'As List Recovery Points and Record Recovery Point give it',
		},
	];
}

export function readRecoveryPointChoice(parameters: Parameters) {
	const by = parameters.choice('recoveryPointChoice', 'Recovery Point', ['latest', 'latestComplete', 'id']);
	if (by !== 'id') return { by };
	const id = recoveryPointIdSchema.safeParse(parameters.requiredText('recoveryPoint', 'Recovery Point ID').trim());
	if (id.success) return { by, id: id.data };
	throw wrong('Recovery Point ID', 'is not the ID of a recovery point', 'Take it from List Recovery Points, e.g. 20261122T020000Z-set-a1b2c3.');
}
