import { ByteMeter } from './byte-meter';
import { DamagedBytesError } from './damaged-bytes-error';
import { decompress } from './decompress';
import type { StoredBytes } from './write-stored';

/**
 * The source bytes of stored ones. Both sides are digested and compared with `expected` before the last chunk is handed out:
 * who reads to the end without an error has the bytes that were backed up.
 * @throws DamagedBytesError
 */
export async function* readStored(
	stored: AsyncIterable<Buffer>,
	expected: Pick<StoredBytes, 'sourceBytes' | 'sourceSha256' | 'storedBytes' | 'storedSha256'> & { readonly compression: { readonly algorithm: 'none' | 'zstd' } },
	onStoredBytes?: (total: number) => void,
): AsyncGenerator<Buffer, void, void> {
	const storedMeter = new ByteMeter(onStoredBytes);
	const sourceMeter = new ByteMeter();
	const measured = storedMeter.measure(stored);
	const source = expected.compression.algorithm === 'none' ? measured : decompress(measured);
	let held: Buffer | undefined;
	for await (const chunk of sourceMeter.measure(source)) {
		if (held) yield held;
		held = chunk;
	}
	compare('stored', storedMeter, expected.storedBytes, expected.storedSha256);
	compare('decompressed', sourceMeter, expected.sourceBytes, expected.sourceSha256);
	if (held && held.length > 0) yield held;
}

function compare(side: string, meter: ByteMeter, bytes: number, sha256: string): void {
	if (meter.bytes !== bytes) throw new DamagedBytesError(`it has ${meter.bytes} ${side} bytes instead of ${bytes}`);
	const found = meter.sha256();
	if (found !== sha256) throw new DamagedBytesError(`the SHA-256 of its ${side} bytes is ${found} instead of ${sha256}`);
}
