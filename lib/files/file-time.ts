const NANO = 1_000_000_000n;

/** Nanoseconds since 1970 as decimal seconds, the form of pax headers: `1763776800.123456789`. */
export function decimalSeconds(nanoseconds: bigint): string {
	const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
	const fraction = (size % NANO).toString().padStart(9, '0').replace(/0+$/, '');
	return `${nanoseconds < 0n ? '-' : ''}${(size / NANO).toString()}${fraction === '' ? '' : `.${fraction}`}`;
}

const DECIMAL = /^(-?)(\d{1,15})(?:\.(\d{1,9})\d*)?$/;

/** The reverse; `undefined` for anything else. */
export function nanoseconds(text: string): bigint | undefined {
	const match = DECIMAL.exec(text);
	if (!match) return undefined;
	const [, sign, seconds = '0', fraction = ''] = match;
	const size = BigInt(seconds) * NANO + BigInt(fraction.padEnd(9, '0'));
	return sign === '-' ? -size : size;
}

/** For `utimes`, which takes floating-point seconds: exact to about a quarter of a microsecond. */
export function floatSeconds(text: string): number {
	return Number(text);
}
