import { createHash } from 'node:crypto';

/** Counts bytes and digests them with SHA-256 as they pass. */
export class ByteMeter {
	private readonly hash = createHash('sha256');
	private count = 0;

	constructor(private readonly onBytes?: (total: number) => void) {}

	get bytes(): number {
		return this.count;
	}

	/** Lower-case hex; ends the digest, so it can be asked for once. */
	sha256(): string {
		return this.hash.digest('hex');
	}

	/** Passes `source` through. */
	async *measure<T extends Uint8Array>(source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
		for await (const chunk of source) {
			this.hash.update(chunk);
			this.count += chunk.byteLength;
			this.onBytes?.(this.count);
			yield chunk;
		}
	}
}
