import type { Decryption } from '../core/keys';
import { decrypt } from './age';
import { ByteCount } from './byte-count';
import { ByteMeter } from './byte-meter';
import { compareBytes } from './compare-bytes';
import { decompress } from './decompress';
import { decompressOneFrame } from './one-frame';
import { ONE_FRAME, type StoredBytes } from './write-stored';

export interface ReadOptions {
	/** The keys to open it with, where it is encrypted. */
	readonly decryption?: Decryption | null;
	/** Stored bytes read so far. */
	readonly onStoredBytes?: (total: number) => void;
}

/** Opens nothing. */
const NO_DECRYPTION: Decryption = { identities: [] };

/**
 * The source bytes of stored ones. Both sides are digested and compared with `expected` before the last chunk is handed out:
 * who reads to the end without an error has the bytes that were backed up.
 * @throws DamagedBytesError, or WrongKeyError before anything is handed out
 */
export async function* readStored(
	stored: AsyncIterable<Buffer>,
	expected: Pick<StoredBytes, 'sourceBytes' | 'sourceSha256' | 'storedBytes' | 'storedSha256'> & {
		readonly compression: { readonly algorithm: 'none' } | { readonly algorithm: 'zstd'; readonly frameBytes: number };
		readonly encryption?: object;
	},
	{ decryption, onStoredBytes }: ReadOptions = {},
): AsyncGenerator<Buffer, void, void> {
	const storedMeter = new ByteMeter(onStoredBytes);
	const sourceMeter = expected.sourceSha256 === undefined ? new ByteCount() : new ByteMeter();
	const measured = storedMeter.measure(stored);
	const opened = expected.encryption === undefined ? measured : decrypt(measured, decryption ?? NO_DECRYPTION);
	const source = expected.compression.algorithm === 'none' ? opened : expected.compression.frameBytes === ONE_FRAME ? decompressOneFrame(opened) : decompress(opened);
	let held: Buffer | undefined;
	for await (const chunk of sourceMeter.measure(source)) {
		if (held) yield held;
		held = chunk;
	}
	compareBytes('stored', storedMeter, expected.storedBytes, expected.storedSha256);
	compareBytes('decompressed', sourceMeter, expected.sourceBytes, expected.sourceSha256);
	if (held && held.length > 0) yield held;
}
