/** Counts bytes as they pass. */
export class ByteCount {
	private count = 0;

	constructor(private readonly onBytes?: (total: number) => void) {}

	get bytes(): number {
		return this.count;
	}

	/** Passes `source` through. */
	async *measure<T extends Uint8Array>(source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
		for await (const chunk of source) {
			this.see(chunk);
			yield chunk;
		}
	}

	protected see(chunk: Uint8Array): void {
		this.count += chunk.byteLength;
		this.onBytes?.(this.count);
	}
}
