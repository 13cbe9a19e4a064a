import type { IDataObject, NodeExecutionHint } from 'n8n-workflow';
import type { BackupResult } from '../../lib/jobs/results';
import type { OperationInput } from '../shared/operation';
import { plainData } from '../shared/plain-data';

/** The parts that every backup job of this node has. */
export async function dumpCommon({ parameters, connection, store, encryption }: OperationInput) {
	const options = parameters.collection('options');
	const lockWaitMinutes = options.number('lockWait', 'Wait for Other Run (Minutes)');
	return {
		connection: await connection(),
		store: await store(),
		encryption: await encryption(),
		compressionLevel: options.number('compressionLevel', 'Compression Level'),
		note: options.text('note', 'Note'),
		lockWaitSeconds: lockWaitMinutes === undefined ? undefined : lockWaitMinutes * 60,
	};
}

/** One item: the new backup's summary. */
export function backupItems({ backup }: BackupResult): IDataObject[] {
	return [{ backup: plainData(backup) }];
}

/** The backup's warnings, above the output. */
export function warningHints({ backup }: BackupResult): NodeExecutionHint[] {
	return backup.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }));
}
