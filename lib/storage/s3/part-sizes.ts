const MIB = 1024 * 1024;

/**
 * What S3 allows: at most 10,000 parts, each of 5 MiB at least (but the last) and 5 GiB at most.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export const MAX_PARTS = 10_000;

/** A part is held in memory until the server has it, because it may have to be sent again. */
export const SMALLEST_PART = 8 * MIB;
export const LARGEST_PART = 64 * MIB;

/** What all parts in memory may take: those on their way and the one that is being filled. */
const MEMORY = 64 * MIB;
const MAX_PARALLEL = 4;

/** The part number from which parts have at least so many bytes, whatever was expected: a size may be unknown, or its estimate wrong. */
const GROWTH = [
	{ from: 4_001, bytes: 16 * MIB },
	{ from: 6_001, bytes: 32 * MIB },
	{ from: 8_001, bytes: 64 * MIB },
];

/** Estimates of compressed sizes are off by this much now and then. */
const MARGIN = 1.5;

/** The size of each part (numbered from 1) of an object of about `expectedBytes`. Equal while the estimate holds, as some services demand. */
export function partSizes(expectedBytes: number | undefined, smallest = SMALLEST_PART): (part: number) => number {
	let base = smallest;
	while (base < LARGEST_PART && base * MAX_PARTS < (expectedBytes ?? 0) * MARGIN) base *= 2;
	return (part) => Math.max(base, GROWTH.findLast(({ from }) => part >= from)?.bytes ?? 0);
}

/** How many parts of a size may be on their way while the next one is being filled; with 0 each is sent before the next is filled. */
export function partsAtOnce(partBytes: number): number {
	return Math.min(MAX_PARALLEL, Math.max(0, Math.floor(MEMORY / partBytes) - 1));
}

/** The most bytes that one object can have. */
export function largestObject(expectedBytes: number | undefined): number {
	const size = partSizes(expectedBytes);
	let total = 0;
	for (let part = 1; part <= MAX_PARTS; part++) total += size(part);
	return total;
}
