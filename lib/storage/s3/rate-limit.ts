import { pause } from '../../core/abortable';

const LARGEST_SLICE = 64 * 1024;
/** A slice takes this part of a second, so that a limit is kept to evenly and a waiting small request goes soon. */
const SLICES_A_SECOND = 10;

/** Lets bytes pass at a given pace, whoever sends them: all transfers of one direction share it. */
export class RateLimit {
	/** When the next byte may pass, on the clock of `performance.now()`. */
	private next = 0;

	/** @param bytesPerSecond 0: no limit */
	constructor(readonly bytesPerSecond: number) {}

	get unlimited(): boolean {
		return this.bytesPerSecond === 0;
	}

	/** How many bytes should pass at once. */
	get sliceBytes(): number {
		return Math.max(1, Math.min(LARGEST_SLICE, Math.floor(this.bytesPerSecond / SLICES_A_SECOND)));
	}

	/** Waits until `bytes` may pass. */
	async take(bytes: number, signal: AbortSignal): Promise<void> {
		if (this.unlimited) return;
		const now = performance.now();
		const start = Math.max(now, this.next);
		this.next = start + (bytes / this.bytesPerSecond) * 1000;
		if (start > now) await pause(start - now, signal);
	}

	/** The bytes in slices, each when its time has come. */
	async *pace(bytes: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
		const slice = this.sliceBytes;
		for (let at = 0; at < bytes.byteLength; at += slice) {
			const part = bytes.subarray(at, at + slice);
			await this.take(part.byteLength, signal);
			yield part;
		}
	}
}
