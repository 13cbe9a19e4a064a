import { backupFields, readBackupChoice } from '../shared/backup-field';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['redisDrill'];

/** Restores a snapshot of Redis into a throwaway server and compares the number of keys per database. */
export const redisDrillOperation: Operation<'verify.redisDrill'> = {
	properties: [
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latest',
				sourceHelp: 'The name that the snapshots were given. Leave empty to take the newest of any server.',
				searchMethod: 'searchRedisBackups',
				sourceLabel: 'Backed-Up Redis',
				sourcePlaceholder: 'e.g. sessions',
			},
		),
		{
			displayName: 'Throwaway Server',
			name: 'redisServer',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'From Credential', value: 'credential', description: 'An empty server; what the drill puts there it removes again, and nothing else' },
				{ name: 'Started Here', value: 'local', description: 'The redis-server program of the machine that runs n8n is started for the drill and ended afterwards' },
			],
			default: 'local',
			description: 'Where the snapshot is restored. A server that holds anything is refused.',
		},
		optionsCollection(operation, [
			{
				displayName: 'Server Program',
				name: 'serverProgram',
				type: 'string',
				default: '',
				placeholder: 'e.g. /usr/bin/redis-server',
				description: 'The program to start. Without it, redis-server and valkey-server are searched in the usual folders.',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store, redis, decryption }) {
		const local = parameters.choice('redisServer', 'Throwaway Server', ['credential', 'local']) === 'local';
		return {
			kind: 'verify.redisDrill',
			store: await store(),
			decryption: await decryption(),
			backup: readBackupChoice(parameters),
			connection: local ? null : await redis(),
			serverProgram: parameters.collection('options').text('serverProgram', 'Server Program'),
		};
	},
	items: verificationItems,
};
