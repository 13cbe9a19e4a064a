/** Pulls bytes from a source on demand, so that a parser can look ahead over chunk borders. */
export class ByteQueue {
	private readonly iterator: AsyncIterator<Uint8Array>;
	private buffer = Buffer.allocUnsafeSlow(1024 * 1024);
	private start = 0;
	private end = 0;
	private position = 0;

	constructor(source: AsyncIterable<Uint8Array>) {
		this.iterator = source[Symbol.asyncIterator]();
	}

	/** How many bytes have been taken or skipped. */
	get offset(): number {
		return this.position;
	}

	/** Reads on until `bytes` are at hand. @returns how many really are: fewer only at the end of the source */
	async ensure(bytes: number): Promise<number> {
		while (this.end - this.start < bytes) {
			const step = await this.iterator.next();
			if (step.done) break;
			this.append(step.value);
		}
		return this.end - this.start;
	}

	/** The next `bytes` bytes, which `ensure` must have fetched. Valid until the next call. */
	peek(from: number, bytes: number): Buffer {
		return this.buffer.subarray(this.start + from, this.start + from + bytes);
	}

	/** Removes the next bytes and returns a copy. */
	take(bytes: number): Buffer {
		const taken = Buffer.from(this.peek(0, bytes));
		this.advance(bytes);
		return taken;
	}

	/** Passes over bytes without keeping them. @returns how many there were */
	async skip(bytes: number): Promise<number> {
		let left = bytes;
		while (left > 0) {
			const available = Math.min(left, await this.ensure(1));
			if (available === 0) break;
			this.advance(available);
			left -= available;
		}
		return bytes - left;
	}

	/** Closes the source. */
	async close(): Promise<void> {
		await this.iterator.return?.();
	}

	private advance(bytes: number): void {
		this.start += bytes;
		this.position += bytes;
	}

	private append(chunk: Uint8Array): void {
		const held = this.end - this.start;
		if (this.end + chunk.byteLength > this.buffer.length) {
			const needed = held + chunk.byteLength;
			const target = needed > this.buffer.length ? Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2)) : this.buffer;
			this.buffer.copy(target, 0, this.start, this.end);
			this.buffer = target;
			this.start = 0;
			this.end = held;
		}
		this.buffer.set(chunk, this.end);
		this.end += chunk.byteLength;
	}
}
