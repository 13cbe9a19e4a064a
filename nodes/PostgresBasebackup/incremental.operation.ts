import type { INodeProperties } from 'n8n-workflow';
import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { basebackupCommon, basebackupOptions } from './basebackup-common';

const options: INodeProperties[] = [
	{
		displayName: 'Incrementals Between Full Ones',
		name: 'mostIncrementals',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 500, numberPrecision: 0 },
		default: 30,
		description: 'After so many incremental backups the next is a full one, so that a recovery need not combine too many',
	},
	{
		displayName: 'Where It Is Not Possible',
		name: 'whenImpossible',
		type: 'options',
		options: [
			{ name: 'Fail', value: 'fail', description: 'The run fails and says why' },
			{ name: 'Make a Full Backup', value: 'full', description: 'A full backup is made, with a warning that says why' },
		],
		default: 'full',
		description: 'What to do when the server is older than PostgreSQL 17, does not summarize WAL, or no usable earlier backup is there',
	},
];

/** What changed in a server since its newest base backup. */
export const incrementalOperation: Operation<'postgres.baseBackup'> = {
	properties: [basebackupOptions('incremental', options)],
	async job(input) {
		const chosen = input.parameters.collection('options');
		return {
			kind: 'postgres.baseBackup',
			mode: 'incremental',
			...(await basebackupCommon(input)),
			decryption: await input.decryption(),
			mostIncrementals: chosen.number('mostIncrementals', 'Incrementals Between Full Ones'),
			whenImpossible: chosen.choice('whenImpossible', 'Where It Is Not Possible', ['full', 'fail']),
		};
	},
	items: backupItems,
	hints: warningHints,
};
