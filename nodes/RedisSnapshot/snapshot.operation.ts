import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { compressionField, lockWaitField, noteField, optionsCollection, timeoutField, readLockWaitSeconds } from '../shared/option-fields';

/** All data of Redis at one moment, as the server sends it to a replica. */
export const snapshotOperation: Operation<'redis.snapshot'> = {
	properties: [
		{
			displayName: 'Name',
			name: 'sourceName',
			type: 'string',
			default: '',
			placeholder: 'e.g. sessions',
			description: "What tells this server's backups from those of others. Empty: its address, or the name of the master.",
			displayOptions: { show: { operation: ['snapshot'] } },
		},
		optionsCollection(['snapshot'], [
			compressionField,
			noteField,
			{
				displayName: 'Safety Backup',
				name: 'safety',
				type: 'boolean',
				default: false,
				description: 'Whether this is taken because keys of the server are about to be overwritten. It is listed apart and restored only when chosen by its ID: "latest" never means it.',
			},
			timeoutField,
			lockWaitField,
		]),
	],

	async job({ parameters, redis, store, encryption }) {
		const options = parameters.collection('options');
		return {
			kind: 'redis.snapshot',
			connection: await redis(),
			store: await store(),
			encryption: await encryption(),
			name: parameters.text('sourceName', 'Name').trim(),
			compressionLevel: options.number('compressionLevel', 'Compression Level'),
			note: options.text('note', 'Note'),
			safety: options.flag('safety', 'Safety Backup'),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: backupItems,
	hints: warningHints,
};
