import { availableParallelism } from 'node:os';

/** Source bytes in one zstd frame: large enough to compress well, small enough that several fit in memory. */
export const FRAME_BYTES = 4 * 1024 * 1024;

/** The largest frame that is read back. Ours are smaller; foreign ones may be larger, but a forged size must not exhaust memory. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** The libuv pool has four threads; what is beyond it only costs memory. */
const POOL_THREADS = 4;

/** From here on a compressor needs tens of megabytes. */
const HEAVY_LEVEL = 16;

/** How many frames are compressed at once. */
export function framesAtOnce(level: number): number {
	const threads = Math.max(2, Math.min(POOL_THREADS, availableParallelism() + 1));
	return level >= HEAVY_LEVEL ? 2 : threads;
}

/** How many frames are decompressed ahead of the reader. */
export function framesAhead(): number {
	return Math.max(2, Math.min(POOL_THREADS, availableParallelism()));
}
