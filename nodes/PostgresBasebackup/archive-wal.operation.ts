import type { INodeProperties } from 'n8n-workflow';
import { compressionField, lockWaitField, optionsCollection, readLockWaitSeconds, timeoutField } from '../shared/option-fields';
import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';
import { slotField, walCommon } from '../shared/wal-fields';

const switchField: INodeProperties = {
	displayName: 'End the Open Segment',
	name: 'switchSegment',
	type: 'boolean',
	default: true,
	description: 'Whether the server ends the segment that it writes, so that whole segments are archived. A role without the right to (pg_switch_wal) gets its beginning archived instead.',
};

/** The WAL since the last time, up to now. */
export const archiveWalOperation: Operation<'postgres.archiveWal'> = {
	properties: [optionsCollection(['archiveWal'], [compressionField, switchField, slotField, timeoutField, lockWaitField])],
	async job(input) {
		const options = input.parameters.collection('options');
		return {
			kind: 'postgres.archiveWal',
			...(await walCommon(input)),
			switchSegment: options.flag('switchSegment', 'End the Open Segment'),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: (result) => [{ wal: plainData(result) }],
	hints: ({ warnings }) => warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' })),
};
