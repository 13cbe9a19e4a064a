import type { INodeProperties } from 'n8n-workflow';
import type { CollectionValues } from './parameters';

/** Fields of the "Options" collections that several operations share. */
export const noteField: INodeProperties = {
	displayName: 'Note',
	name: 'note',
	type: 'string',
	default: '',
	placeholder: 'e.g. before the migration to version 4',
	description: 'A remark that is kept with the backup',
};

/** For backups that hold secrets. */
export const allowUnencryptedField: INodeProperties = {
	displayName: 'Allow Unencrypted',
	name: 'allowUnencrypted',
	type: 'boolean',
	default: false,
	description:
		'Whether to write this backup, which holds secrets, without encryption when there is no "Backup Encryption" credential. Without it the node refuses.',
};

export const lockWaitField: INodeProperties = {
	displayName: 'Wait for Other Run (Minutes)',
	name: 'lockWait',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 0,
	description: 'How long to wait when another run of the same kind is at work. With 0 the node fails at once and says who is at work.',
};

/** What `lockWaitField` was set to, as jobs take it; undefined: the job's own default. */
export function readLockWaitSeconds(options: CollectionValues): number | undefined {
	const minutes = options.number('lockWait', 'Wait for Other Run (Minutes)');
	return minutes === undefined ? undefined : minutes * 60;
}

export const timeoutField: INodeProperties = {
	displayName: 'Timeout (Minutes)',
	name: 'timeout',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 0,
	description: 'Stop the job after this time and fail. With 0 it may take as long as it needs.',
};

export const compressionField: INodeProperties = {
	displayName: 'Compression Level',
	name: 'compressionLevel',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 19, numberPrecision: 0 },
	default: 1,
	description: 'Level of zstd, from 1 (fastest) to 19 (smallest). Higher levels take far more time for little less space.',
};

export const parallelJobsField: INodeProperties = {
	displayName: 'Parallel Jobs',
	name: 'parallelJobs',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 64, numberPrecision: 0 },
	default: 2,
	description: 'How many tables are worked on at the same time. More than the server has processor cores does not help.',
};

/** An "Options" collection of one operation. */
export function optionsCollection(operation: string[], options: INodeProperties[]): INodeProperties {
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		displayOptions: { show: { operation } },
		options,
	};
}
