import { BackupError } from '../../lib/core/errors';

/** The `BackupError` with which `work` rejects; anything else fails the test. */
export async function failure(work: Promise<unknown>): Promise<BackupError> {
	try {
		await work;
	} catch (error) {
		if (error instanceof BackupError) return error;
		throw error;
	}
	throw new Error('it did not fail');
}
