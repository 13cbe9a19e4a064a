import { recoveryPointIdSchema } from '../../lib/catalog/recovery-point';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import type { Operation } from '../shared/operation';
import { wrong } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { listed, readNeeded } from './needed-field';

const operation = ['chooseRecoveryPoint'];

/** Which recovery point a recovery is to restore, and what was passed over for it. */
export const chooseRecoveryPointOperation: Operation<'recovery.choose'> = {
	properties: [
		{
			displayName: 'Recovery Point ID',
			name: 'namedPoint',
			type: 'string',
			default: '',
			placeholder: 'e.g. 20261122T020000Z-set-a1b2c3',
			displayOptions: { show: { operation } },
			description: 'The one that a person named. Empty: the newest of which nothing is missing. Where a newer one could be meant as well, the item says that one must be named.',
		},
		{
			displayName: 'Must Hold',
			name: 'mustHold',
			type: 'string',
			default: 'postgres',
			placeholder: 'e.g. postgres, files',
			displayOptions: { show: { operation } },
			description: 'What it must hold a whole backup of, separated by commas: postgres, redis, files, config, logs, n8n',
		},
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, store }) {
		return { kind: 'recovery.choose', store: await store(), named: readNamed(parameters.text('namedPoint', 'Recovery Point ID').trim()), needed: readNeeded(listed(parameters.text('mustHold', 'Must Hold'))) };
	},
	items: (choice) => [{ choice: plainData(choice) }],
};

function readNamed(text: string): string | null {
	if (text === '') return null;
	const id = recoveryPointIdSchema.safeParse(text);
	if (id.success) return id.data;
	throw wrong('Recovery Point ID', 'is not the ID of a recovery point', 'Take it from List Recovery Points, e.g. 20261122T020000Z-set-a1b2c3.');
}
