import type { INodeProperties } from 'n8n-workflow';
import { compressionField, lockWaitField, noteField, optionsCollection, readLockWaitSeconds, timeoutField } from '../shared/option-fields';
import type { OperationInput } from '../shared/operation';

const KILOBYTES = 1024;

const checkpointField: INodeProperties = {
	displayName: 'Checkpoint',
	name: 'checkpoint',
	type: 'options',
	options: [
		{ name: 'Fast', value: 'fast', description: 'The server writes what is pending at once, and the backup begins' },
		{ name: 'Spread', value: 'spread', description: 'Easier on a busy disk; the backup begins only when the server is done, which may take minutes' },
	],
	default: 'fast',
	description: 'How the server gets ready',
};

const compressAtField: INodeProperties = {
	displayName: 'Compress',
	name: 'compressAt',
	type: 'options',
	options: [
		{ name: 'Here', value: 'here', description: 'The data crosses the network uncompressed, and costs the server no processor time for it' },
		{ name: 'On the Server', value: 'server', description: 'A fraction crosses the network, for up to one processor core of the server; better where the network is the bottleneck. With servers that cannot (older than PostgreSQL 15, or built without zstd) it happens here.' },
	],
	default: 'here',
	description: 'Where the backup is compressed',
};

const rateField: INodeProperties = {
	displayName: 'Highest Rate (MB a Second)',
	name: 'maxRate',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 1024 },
	default: 0,
	description: 'How much the server may send in a second, so that its disks and the network stay free for others. It counts what crosses the network: where the server compresses, its disks read several times as much. With 0 there is no limit.',
};

/** What tells the base backups of one server from those of others; full and incremental ones need the same. */
export function serverNameField(operations: string[]): INodeProperties {
	return {
		displayName: 'Name',
		name: 'sourceName',
		type: 'string',
		default: '',
		placeholder: 'e.g. main',
		displayOptions: { show: { operation: operations } },
		description: "Name by which this server's base backups are found later. Leave empty to use its address. Full and incremental backups of a server need the same.",
	};
}

/** The options of one operation; `more` are those that only it has. */
export function basebackupOptions(operation: string, more: INodeProperties[]): INodeProperties {
	const fields = [checkpointField, compressAtField, compressionField, noteField, rateField, timeoutField, lockWaitField, ...more];
	return optionsCollection([operation], fields.sort((one, other) => (one.displayName < other.displayName ? -1 : 1)));
}

/** The parts that both kinds of job have. */
export async function basebackupCommon({ parameters, connection, store, encryption }: OperationInput) {
	const options = parameters.collection('options');
	const rate = options.number('maxRate', 'Highest Rate (MB a Second)');
	return {
		connection: await connection(),
		store: await store(),
		encryption: await encryption(),
		name: parameters.text('sourceName', 'Name').trim(),
		checkpoint: options.choice('checkpoint', 'Checkpoint', ['fast', 'spread']),
		compressAt: options.choice('compressAt', 'Compress', ['server', 'here']),
		maxRateKilobytes: rate === undefined || rate === 0 ? null : Math.max(32, Math.round(rate * KILOBYTES)),
		compressionLevel: options.number('compressionLevel', 'Compression Level'),
		note: options.text('note', 'Note'),
		lockWaitSeconds: readLockWaitSeconds(options),
	};
}
