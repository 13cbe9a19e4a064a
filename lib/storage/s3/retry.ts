import { abortError, pause } from '../../core/abortable';
import { throwIfAborted } from '../../core/errors';
import { isTransient } from './transient';

export interface RetryPolicy {
	/** How often a request is tried in all. */
	readonly attempts: number;
	/** The wait before the second attempt; each later one is twice as long, up to `longestWaitMs`. */
	readonly firstWaitMs: number;
	readonly longestWaitMs: number;
}

export interface RetryContext {
	readonly policy: RetryPolicy;
	readonly signal: AbortSignal;
	readonly randomBytes: (bytes: number) => Buffer;
}

/** Runs `work` until it succeeds, its error is a lasting one, or it was tried often enough. Ends promptly when the signal fires. */
export async function retrying<T>(context: RetryContext, work: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		throwIfAborted(context.signal);
		try {
			return await work();
		} catch (error) {
			if (context.signal.aborted) throw abortError(context.signal);
			if (attempt >= context.policy.attempts || !isTransient(error)) throw error;
		}
		await waitBefore(attempt, context);
	}
}

/** Waits before the attempt that follows the given one: half of the time fixed, half by chance, so that many clients do not come back at once. */
export async function waitBefore(attempt: number, { policy, signal, randomBytes }: RetryContext): Promise<void> {
	const longest = Math.min(policy.longestWaitMs, policy.firstWaitMs * 2 ** (attempt - 1));
	await pause(longest * (0.5 + randomBytes(1).readUInt8() / 512), signal);
}
