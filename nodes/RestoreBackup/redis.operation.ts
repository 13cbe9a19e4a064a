import { VERIFICATION_LEVELS } from '../../lib/catalog/verification';
import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { wrong } from '../shared/parameters';
import { confirmationField, dryRunField, dryRunHints } from './restore-common';

const operation = ['redis'];
const WAYS = ['keys', 'replace', 'file'] as const;

/** Restores Redis: key by key into a running server, all of it at once, or as a file. */
export const redisOperation: Operation<'redis.restore'> = {
	properties: [
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latestVerified',
				sourceHelp: 'The name that the snapshots were given. Leave empty to take the newest of any server.',
				searchMethod: 'searchRedisBackups',
				sourceLabel: 'Backed-Up Redis',
				sourcePlaceholder: 'e.g. sessions',
			},
		),
		{
			displayName: 'Restore As',
			name: 'redisWay',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'File', value: 'file', description: 'Write the RDB into a folder, with the steps to load it' },
				{ name: 'Keys', value: 'keys', description: 'Put the keys into a running server, all or chosen ones; other keys of it stay' },
				{ name: 'Replacement', value: 'replace', description: 'Replace all data of a running server at once; it must be able to connect to this machine' },
			],
			default: 'keys',
			description: 'How the backup is put back. The whole snapshot is checked before the first key reaches the server.',
		},
		{
			displayName: 'Existing Keys',
			name: 'existing',
			type: 'options',
			displayOptions: { show: { operation, redisWay: ['keys'] } },
			options: [
				{ name: 'Keep', value: 'keep', description: 'A key that the server has already stays as it is' },
				{ name: 'Overwrite', value: 'overwrite', description: 'A key that the server has already gets the value of the backup' },
			],
			default: 'keep',
			description: 'What to do with keys that both the server and the backup have',
		},
		{
			displayName: 'Folder',
			name: 'folder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /restored',
			description: 'Absolute path of an existing folder on the machine that runs n8n. Not the folder of a running Redis, which would overwrite the file.',
			displayOptions: { show: { operation, redisWay: ['file'] } },
		},
		dryRunField('redis'),
		confirmationField(
			{ operation, redisWay: ['keys', 'replace'] },
			{ placeholder: 'e.g. redis:6379', description: 'Needed when the server holds keys: type its address as in the credential (host:port, or the name of the master)' },
		),
		optionsCollection(operation, [
			{
				displayName: 'Announced Address',
				name: 'announce',
				type: 'string',
				default: '',
				placeholder: 'e.g. n8n:7000',
				description: 'For a replacement: host and port by which the server reaches this machine, where they differ from those listened on',
			},
			{
				displayName: 'Databases',
				name: 'databases',
				type: 'string',
				default: '',
				placeholder: 'e.g. 0, 3',
				description: 'For keys: numbers of the databases to restore. Without it, all.',
			},
			{
				displayName: 'Functions',
				name: 'functions',
				type: 'options',
				options: [
					{ name: 'Restore', value: 'restore', description: 'Load the libraries of the backup' },
					{ name: 'Skip', value: 'skip', description: 'Leave them out' },
				],
				default: 'restore',
				description: 'For keys: what to do with libraries of functions',
			},
			{
				displayName: 'Key Patterns',
				name: 'patterns',
				type: 'string',
				typeOptions: { rows: 3 },
				default: '',
				placeholder: 'e.g. session:*',
				description: 'For keys: patterns of Redis, one per line. Only keys that match one of them are restored. Without it, all.',
			},
			{
				displayName: 'Listen On',
				name: 'listen',
				type: 'string',
				default: '',
				placeholder: 'e.g. 0.0.0.0:7000',
				description: 'For a replacement: address and port of this machine on which the server is waited for. Without it, any free port.',
			},
			{
				displayName: 'Minimum Verification',
				name: 'minimumVerification',
				type: 'options',
				options: [
					{ name: 'Checksum', value: 'checksum', description: 'Its bytes have been compared with what was written' },
					{ name: 'None', value: 'none', description: 'An unverified backup may be restored; all of it is checked all the same' },
					{ name: 'Restore', value: 'restore', description: 'It has been restored before, with as many keys' },
					{ name: 'Structure', value: 'structure', description: 'The snapshot has been read to its end' },
				],
				default: 'none',
				description: 'How well the backup must have been verified before; otherwise the restore is refused',
			},
			timeoutField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const dryRun = parameters.flag('dryRun', 'Dry Run');
		const way = parameters.choice('redisWay', 'Restore As', WAYS);
		return {
			kind: 'redis.restore',
			store: await input.store(),
			decryption: await input.decryption(),
			connection: way === 'file' ? null : await input.redis(),
			backup: readBackupChoice(parameters),
			target: await readTarget(way, input),
			minimumVerification: parameters.collection('options').choice('minimumVerification', 'Minimum Verification', ['none', ...VERIFICATION_LEVELS]),
			dryRun,
			confirmation: dryRun || way === 'file' ? '' : parameters.text('confirmation', 'Confirmation').trim(),
		};
	},
	items: (result) => [{ restore: plainData(result) }],
	hints: (result) => [
		...dryRunHints(result),
		...(result.dryRun ? result.checks : [])
			.filter(({ state }) => state === 'failed')
			.map(({ check, detail, hint }) => ({ message: `This restore would be refused. ${[`${check}: ${detail}`, hint].filter(Boolean).join(' ')}`, type: 'danger', location: 'outputPane' }) as const),
		...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	],
};

async function readTarget(way: (typeof WAYS)[number], { parameters, folder }: OperationInput) {
	const options = parameters.collection('options');
	switch (way) {
		case 'keys':
			return {
				mode: way,
				existing: parameters.choice('existing', 'Existing Keys', ['keep', 'overwrite']),
				patterns: (options.text('patterns', 'Key Patterns') ?? '').split('\n').map((line) => line.replace(/\r$/, '')).filter((line) => line !== ''),
				databases: (options.text('databases', 'Databases') ?? '').split(/[\s,;]+/).filter((entry) => entry !== '').map(readDatabase),
				functions: options.choice('functions', 'Functions', ['restore', 'skip']),
			};
		case 'replace':
			return { mode: way, listen: readAddress(options.text('listen', 'Listen On'), 'Listen On', '0.0.0.0'), announce: readAddress(options.text('announce', 'Announced Address'), 'Announced Address', '') };
		case 'file':
			return { mode: way, folder: await folder(parameters.requiredText('folder', 'Folder').trim(), 'Folder') };
	}
}

function readDatabase(entry: string): number {
	if (/^\d{1,9}$/.test(entry)) return Number(entry);
	throw wrong('Databases', 'holds something that is not a number', 'Enter the numbers of databases, e.g. 0, 3.');
}

function readAddress(text: string | undefined, label: string, defaultHost: string): { host: string; port: number } {
	if (text === undefined || text.trim() === '') return { host: defaultHost, port: 0 };
	const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text.trim());
	const host = parts?.[1] ?? parts?.[2];
	if (host === undefined) throw wrong(label, 'is not an address', 'Enter host:port, e.g. 0.0.0.0:7000.');
	return { host, port: Number(parts?.[3] ?? 0) };
}
