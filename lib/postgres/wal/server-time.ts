/** 2000-01-01 in microseconds of Unix time: from there PostgreSQL counts (`TimestampTz`). */
const EPOCH = 946_684_800_000_000n;
const MICROSECONDS = /^(.+T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})$/;

/** A `TimestampTz` of the server as ISO text in UTC with all six digits, e.g. `2026-11-22T02:00:00.123456Z`. */
export function serverTimeText(timestamp: bigint): string {
	const unix = timestamp + EPOCH;
	const fraction = ((unix % 1_000_000n) + 1_000_000n) % 1_000_000n;
	const seconds = (unix - fraction) / 1_000_000n;
	const date = new Date(Number(seconds) * 1000);
	if (Number.isNaN(date.getTime())) return 'invalid';
	return date.toISOString().replace(/\.\d{3}Z$/, `.${fraction.toString().padStart(6, '0')}Z`);
}

/** The reverse of `serverTimeText`. */
export function serverTimestamp(text: string): bigint {
	return microseconds(text) - EPOCH;
}

/** Microseconds of Unix time of an ISO text with an offset: JavaScript's dates know milliseconds only, and targets are compared with commits. */
export function microseconds(text: string): bigint {
	const [, whole, fraction = '', offset] = MICROSECONDS.exec(text) ?? [];
	if (whole === undefined || offset === undefined) return BigInt(Date.parse(text)) * 1000n;
	return BigInt(Date.parse(whole + offset)) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}
