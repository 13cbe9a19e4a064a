import { createHash } from 'node:crypto';
import { ByteCount } from './byte-count';

/** Counts bytes and digests them with SHA-256 as they pass. */
export class ByteMeter extends ByteCount {
	private readonly hash = createHash('sha256');

	/** Lower-case hex; ends the digest, so it can be asked for once. */
	sha256(): string {
		return this.hash.digest('hex');
	}

	protected override see(chunk: Uint8Array): void {
		this.hash.update(chunk);
		super.see(chunk);
	}
}
