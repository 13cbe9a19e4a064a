import { BackupError } from '../core/errors';
import { RdbError } from './rdb/rdb-error';

/** The error for an RDB of a backup that cannot be read; anything else stays as it is. */
export function damagedArtifact(error: unknown, name: string, backupId: string): unknown {
	if (!(error instanceof RdbError)) return error;
	return error.problem === 'damaged'
		? new BackupError('ARTIFACT_DAMAGED', `${name} of backup ${backupId} is not a sound RDB: ${error.message}.`, 'Do not restore from it: a damaged RDB ends Redis for good. Use another backup, or another copy of this one.', { cause: error })
		: new BackupError('SERVER_VERSION', `${name} of backup ${backupId} cannot be read: ${error.message}.`, 'Use a newer version of the package.', { cause: error });
}

/** The same while it arrives from the server. */
export function damagedSnapshot(error: unknown, server: string): unknown {
	if (!(error instanceof RdbError)) return error;
	return error.problem === 'damaged'
		? new BackupError('SERVER_ERROR', `What Redis at ${server} sent as its snapshot is not a sound RDB: ${error.message}.`, "See Redis's log and the network between, then run it again. Nothing was published.", { cause: error })
		: new BackupError('SERVER_VERSION', `The snapshot of Redis at ${server} cannot be read: ${error.message}.`, 'Use a newer version of the package. Nothing was published.', { cause: error });
}
