import type { Encryption } from '../core/keys';
import type { PutOptions, Store } from '../storage/store';
import { encrypt } from './age';
import { ByteCount } from './byte-count';
import { ByteMeter } from './byte-meter';
import { compress } from './compress';
import { FRAME_BYTES } from './frame-size';

export type CompressionSpec = { readonly algorithm: 'none' } | { readonly algorithm: 'zstd'; readonly level: number };

/** `frameBytes` of zstd that is one frame for all, written by somebody else; ours are many, each of so many bytes. */
export const ONE_FRAME = 0;

/** How bytes were stored: what a reader needs to know, and what it checks. */
export interface StoredBytes {
	readonly sourceBytes: number;
	/** Absent where `digestedInside` was asked for. */
	readonly sourceSha256?: string;
	readonly storedBytes: number;
	readonly storedSha256: string;
	readonly compression: { algorithm: 'none' } | { algorithm: 'zstd'; level: number; frameBytes: number };
	/** Absent: not encrypted. */
	readonly encryption?: StoredEncryption;
}

/** To whom something was encrypted: public keys only, never a secret. */
// A type, not an interface: it must fit where unknown fields are allowed.
export type StoredEncryption = {
	algorithm: 'age';
	to: 'recipients' | 'passphrase';
	recipients?: string[];
};

export interface WriteOptions extends Omit<PutOptions, 'onBytes'> {
	readonly compression: CompressionSpec;
	/** null or absent: not encrypted. */
	readonly encryption?: Encryption | null;
	/** Leave out the digest of the source, because it carries digests of its own for all that is in it. */
	readonly digestedInside?: boolean;
	/** The source is one zstd frame already; tells how many bytes are in it, once it has been read. Needs `digestedInside`. */
	readonly contentBytes?: () => number;
	readonly onSourceBytes?: (total: number) => void;
}

/** Streams `source` through digest, compression and encryption into the store; memory stays flat at any size. */
export async function writeStored(store: Store, key: string, source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredBytes> {
	const { compression, encryption, onSourceBytes, digestedInside = false, contentBytes, ...put } = options;
	const sourceMeter = digestedInside ? new ByteCount(onSourceBytes) : new ByteMeter(onSourceBytes);
	const storedMeter = new ByteMeter();
	const measured = sourceMeter.measure(source);
	const compressed: AsyncIterable<Uint8Array> = compression.algorithm === 'none' || contentBytes ? measured : compress(measured, compression.level);
	const stored = !encryption ? compressed : encrypt(compressed, encryption);
	await store.put(key, storedMeter.measure(stored), put);
	return {
		sourceBytes: contentBytes?.() ?? sourceMeter.bytes,
		...(sourceMeter instanceof ByteMeter && { sourceSha256: sourceMeter.sha256() }),
		storedBytes: storedMeter.bytes,
		storedSha256: storedMeter.sha256(),
		compression: compression.algorithm === 'none' ? compression : { ...compression, frameBytes: contentBytes ? ONE_FRAME : FRAME_BYTES },
		...(encryption && { encryption: describeEncryption(encryption) }),
	};
}

function describeEncryption(encryption: Encryption): StoredEncryption {
	const { to } = encryption;
	return { algorithm: 'age', to, ...(to === 'recipients' && { recipients: [...encryption.recipients] }) };
}
