import { BackupError, toBackupError } from '../../core/errors';

/**
 * Cleans up after `error`. When that fails too, the error that is thrown tells both: what went wrong, and what is left.
 */
export async function discardAfter(error: unknown, cleanUp: () => Promise<void>, what: string): Promise<void> {
	try {
		await cleanUp();
	} catch (second) {
		const first = toBackupError(error);
		const reason = second instanceof Error ? second.message : String(second);
		throw new BackupError(first.code, `${first.message} Afterwards ${what} could not be removed: ${reason}`, `${first.hint} The next restore or drill on this server removes what is left.`, { cause: error });
	}
}

/** An existing database that was to be filled cannot be emptied again by us. */
export function leftInExisting(error: unknown, database: string): BackupError {
	const known = toBackupError(error);
	return new BackupError(
		known.code,
		`${known.message} The database "${database}" was empty before and now holds a part of the backup.`,
		`${known.hint} Drop and create "${database}" again before you retry.`,
		{ cause: error },
	);
}
