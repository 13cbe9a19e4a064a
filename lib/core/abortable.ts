import { BackupError, cancelled } from './errors';

/** The error with which work must end once `signal` has fired: the abort reason when it is a `BackupError`, else `CANCELLED`. */
export function abortError(signal: AbortSignal): BackupError {
	return signal.reason instanceof BackupError ? signal.reason : cancelled(signal.reason);
}

/**
 * Passes `source` on until `signal` fires, then rejects at once, also while the source is silent.
 * The source is closed when reading ends early; after an abort nobody waits for that, because a stuck source may never answer.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, void> {
	const iterator = source[Symbol.asyncIterator]();
	let rejectPending: ((error: BackupError) => void) | undefined;
	const onAbort = () => rejectPending?.(abortError(signal));
	signal.addEventListener('abort', onAbort);
	let ended = false;
	const advance = async () => {
		try {
			return await iterator.next();
		} catch (error) {
			ended = true;
			throw error;
		}
	};
	try {
		for (;;) {
			// A promise of its own for each step: racing one long-lived promise would hold on to every chunk.
			const step = await new Promise<IteratorResult<T>>((resolve, reject) => {
				if (signal.aborted) return reject(abortError(signal));
				rejectPending = reject;
				advance().then(resolve, reject);
			});
			if (step.done) {
				ended = true;
				return;
			}
			yield step.value;
		}
	} finally {
		signal.removeEventListener('abort', onAbort);
		if (!ended) {
			const closed = Promise.resolve(iterator.return?.());
			if (signal.aborted) closed.catch(() => undefined);
			else await closed;
		}
	}
}

/** Waits, or rejects as soon as `signal` fires. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) return reject(abortError(signal));
		const onAbort = () => {
			clearTimeout(timer);
			reject(abortError(signal));
		};
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', onAbort);
			resolve();
		}, milliseconds);
		signal.addEventListener('abort', onAbort, { once: true });
	});
}
