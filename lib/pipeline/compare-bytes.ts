import type { ByteCount } from './byte-count';
import { ByteMeter } from './byte-meter';
import { DamagedBytesError } from './damaged-bytes-error';

/**
 * Compares what a meter has seen with what was recorded; `side` says which bytes they are, e.g. `stored`. Ends the meter's digest;
 * a mere count has none to compare.
 * @throws DamagedBytesError
 */
export function compareBytes(side: string, meter: ByteCount, bytes: number, sha256: string | undefined): void {
	if (meter.bytes !== bytes) throw new DamagedBytesError(`it has ${meter.bytes} ${side} bytes instead of ${bytes}`);
	if (!(meter instanceof ByteMeter)) return;
	const found = meter.sha256();
	if (found !== sha256) throw new DamagedBytesError(`the SHA-256 of its ${side} bytes is ${found} instead of ${sha256}`);
}
