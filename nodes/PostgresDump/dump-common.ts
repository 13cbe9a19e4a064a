import { readLockWaitSeconds } from '../shared/option-fields';
import type { OperationInput } from '../shared/operation';

/** The parts that every backup job of this node has. */
export async function dumpCommon({ parameters, connection, store, encryption }: OperationInput) {
	const options = parameters.collection('options');
	return {
		connection: await connection(),
		store: await store(),
		encryption: await encryption(),
		compressionLevel: options.number('compressionLevel', 'Compression Level'),
		note: options.text('note', 'Note'),
		lockWaitSeconds: readLockWaitSeconds(options),
	};
}
