/** Says stop and go to whoever fills the channels, by the bytes that all of them hold. */
export class Backpressure {
	private held = 0;
	private stopped = false;

	constructor(
		private readonly stop: () => void,
		private readonly go: () => void,
		private readonly high = 8 * 1024 * 1024,
		private readonly low = 2 * 1024 * 1024,
	) {}

	add(bytes: number): void {
		this.held += bytes;
		if (this.stopped || this.held < this.high) return;
		this.stopped = true;
		this.stop();
	}

	take(bytes: number): void {
		this.held -= bytes;
		if (!this.stopped || this.held > this.low) return;
		this.stopped = false;
		this.go();
	}
}

/**
 * Items pushed on one side and pulled, in order, on the other; for one reader. `taken` hears of an item when the reader gets it, `done` when it comes
 * back for the next one.
 */
export class Channel<T> implements AsyncIterable<T> {
	private items: T[] = [];
	private ended = false;
	private failure: { readonly error: unknown } | undefined;
	private wake: () => void = () => undefined;

	constructor(
		private readonly taken: (item: T) => void = () => undefined,
		private readonly done: (item: T) => void = () => undefined,
	) {}

	push(item: T): void {
		this.items.push(item);
		this.wake();
	}

	end(): void {
		this.ended = true;
		this.wake();
	}

	/** The reader gets the error at once, also before items that are still held. */
	fail(error: unknown): void {
		this.failure ??= { error };
		this.wake();
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
		for (;;) {
			const { items } = this;
			this.items = [];
			for (const item of items) {
				if (this.failure) throw this.failure.error;
				this.taken(item);
				yield item;
				this.done(item);
			}
			if (this.failure) throw this.failure.error;
			if (this.items.length > 0) continue;
			if (this.ended) return;
			await new Promise<void>((resolve) => (this.wake = resolve));
		}
	}
}
