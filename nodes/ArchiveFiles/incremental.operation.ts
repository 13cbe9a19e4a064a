import type { INodeProperties } from 'n8n-workflow';
import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { archiveCommon, archiveFields } from './archive-common';

const options: INodeProperties[] = [
	{
		displayName: 'Compare Contents',
		name: 'compareContent',
		type: 'boolean',
		default: false,
		description: 'Whether to read every file and compare its content, instead of trusting size, times and inode. Takes as long as a full backup, and stores as little as an incremental one.',
	},
	{
		displayName: 'Incrementals Between Full Ones',
		name: 'mostIncrementals',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 500, numberPrecision: 0 },
		default: 30,
		description: 'After so many incremental backups the next is a full one, so that a restore need not read too many',
	},
	{
		displayName: 'Without a Usable Parent',
		name: 'missingParent',
		type: 'options',
		options: [
			{ name: 'Fail', value: 'fail', description: 'The run fails and says why' },
			{ name: 'Make a Full Backup', value: 'full', description: 'A full backup is made, with a warning where the newest one is damaged or cannot be read' },
		],
		default: 'full',
		description: 'What to do when there is no earlier backup, or it is damaged, or it is encrypted and the credential cannot decrypt it',
	},
];

/** What changed in a folder since its newest backup. */
export const incrementalOperation: Operation<'files.archive'> = {
	properties: archiveFields('incremental', options),
	async job(input) {
		const chosen = input.parameters.collection('options');
		return {
			kind: 'files.archive',
			mode: 'incremental',
			...(await archiveCommon(input)),
			decryption: await input.decryption(),
			compareContent: chosen.flag('compareContent', 'Compare Contents'),
			mostIncrementals: chosen.number('mostIncrementals', 'Incrementals Between Full Ones'),
			missingParent: chosen.choice('missingParent', 'Without a Usable Parent', ['full', 'fail']),
		};
	},
	items: backupItems,
	hints: warningHints,
};
