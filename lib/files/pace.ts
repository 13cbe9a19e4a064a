import { performance } from 'node:perf_hooks';

/** Above this a call that waits for the file system costs more than the way through the thread pool. */
const SLOW_MS = 0.3;
/** Calls made side by side before it is tried again. */
const REST = 500;

/**
 * Decides how small calls to a file system are made. On a local disk most of them return in microseconds, and handing each to the thread pool
 * takes five times as long (measured); on a network disk or a cold one several must wait side by side. So they are
 * made directly while they are quick.
 */
export class Pace {
	private average = 0;
	private rest = 0;

	/** Whether the next call should go through the thread pool. */
	slow(): boolean {
		if (this.rest === 0) return false;
		this.rest -= 1;
		return true;
	}

	/** Makes a call directly and takes its time. */
	direct<T>(call: () => T): T {
		const startedAt = performance.now();
		try {
			return call();
		} finally {
			this.average += (performance.now() - startedAt - this.average) / 16;
			if (this.average > SLOW_MS) {
				this.rest = REST;
				this.average = 0;
			}
		}
	}
}

/** Lets timers, signals and messages have their turn between many direct calls. */
export function breathe(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
