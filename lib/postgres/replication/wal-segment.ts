import type { Lsn } from './lsn';

/** A WAL segment file's name: timeline, then the number of the segment in two halves, eight hexadecimal digits each. */
export const SEGMENT_NAME = /^[0-9A-F]{24}$/;
/** `00000002.history` */
export const HISTORY_NAME = /^[0-9A-F]{8}\.history$/;

/** Where the segment that holds `lsn` starts. */
export function segmentStart(lsn: Lsn, segmentBytes: number): Lsn {
	return lsn - (lsn % BigInt(segmentBytes));
}

/**
 * The name of the segment that holds the byte at `lsn`, e.g. `000000010000000A000000FE`.
 * https://www.postgresql.org/docs/current/wal-internals.html
 */
export function segmentName(timeline: number, lsn: Lsn, segmentBytes: number): string {
	const size = BigInt(segmentBytes);
	const perHalf = 0x1_0000_0000n / size;
	const number = lsn / size;
	return [BigInt(timeline), number / perHalf, number % perHalf].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
}

/** The reverse of `segmentName`: timeline and the LSN at which the segment starts; undefined for what is no segment's name, or none of this size. */
export function readSegmentName(name: string, segmentBytes: number): { readonly timeline: number; readonly start: Lsn } | undefined {
	if (!SEGMENT_NAME.test(name)) return undefined;
	const [timeline = 0, high = 0, low = 0] = [0, 8, 16].map((at) => Number.parseInt(name.slice(at, at + 8), 16));
	const perHalf = 0x1_0000_0000 / segmentBytes;
	if (timeline === 0 || low >= perHalf) return undefined;
	return { timeline, start: (BigInt(high) * BigInt(perHalf) + BigInt(low)) * BigInt(segmentBytes) };
}

export function historyName(timeline: number): string {
	return `${timelineName(timeline)}.history`;
}

/** A timeline as file names spell it. */
export function timelineName(timeline: number): string {
	return timeline.toString(16).toUpperCase().padStart(8, '0');
}
