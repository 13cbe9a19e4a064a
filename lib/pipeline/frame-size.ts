import { availableParallelism } from 'node:os';

/** Source bytes in one zstd frame: large enough to compress well, small enough that several fit in memory. */
export const FRAME_BYTES = 4 * 1024 * 1024;

/** The largest frame that is read back. Ours are smaller; foreign ones may be larger, but a forged size must not exhaust memory. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** The libuv pool has four threads; what is beyond it only costs memory. */
const POOL_THREADS = 4;

/** Frames at once where one compressor needs tens of megabytes, so that a job stays under 300 MB at every level (measured). */
const THREADS_FROM_LEVEL = [
	{ level: 13, threads: 2 },
	{ level: 6, threads: 3 },
];

/** How many frames are compressed at once. */
export function framesAtOnce(level: number): number {
	const useful = Math.max(2, Math.min(POOL_THREADS, availableParallelism() + 1));
	const bound = THREADS_FROM_LEVEL.find((from) => level >= from.level)?.threads ?? POOL_THREADS;
	return Math.min(useful, bound);
}

/** How many frames are decompressed ahead of the reader. */
export function framesAhead(): number {
	return Math.max(2, Math.min(POOL_THREADS, availableParallelism()));
}
