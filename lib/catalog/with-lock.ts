import type { JobContext } from '../core/context';
import { toBackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { acquireLock, type Lock, type LockRequest } from './locks';

/**
 * Runs `body` under a lock. Once the lock is lost, `signal` fires with the reason.
 * A lock file that cannot be removed afterwards is reported and left to age: the work itself is done.
 */
export async function withLock<T>(
	store: Store,
	context: Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'progress' | 'latestProgress'>,
	request: LockRequest,
	body: (lock: Lock, signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const lock = await acquireLock(store, context, request);
	try {
		return await body(lock, AbortSignal.any([context.signal, lock.signal]));
	} finally {
		try {
			await lock.release();
		} catch (error) {
			context.progress({ step: `Warning: the lock "${request.name}" could not be released: ${toBackupError(error).message}` });
		}
	}
}
