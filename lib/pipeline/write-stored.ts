import type { PutOptions, Store } from '../storage/store';
import { ByteMeter } from './byte-meter';
import { compress } from './compress';
import { FRAME_BYTES } from './frame-size';

export type CompressionSpec = { readonly algorithm: 'none' } | { readonly algorithm: 'zstd'; readonly level: number };

/** How bytes were stored: what a reader needs to know, and what it checks. */
export interface StoredBytes {
	readonly sourceBytes: number;
	readonly sourceSha256: string;
	readonly storedBytes: number;
	readonly storedSha256: string;
	readonly compression: { algorithm: 'none' } | { algorithm: 'zstd'; level: number; frameBytes: number };
}

export interface WriteOptions extends Omit<PutOptions, 'onBytes'> {
	readonly compression: CompressionSpec;
	readonly onSourceBytes?: (total: number) => void;
}

/** Streams `source` through digest and compression into the store; memory stays flat at any size. */
export async function writeStored(store: Store, key: string, source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredBytes> {
	const { compression, onSourceBytes, ...put } = options;
	const sourceMeter = new ByteMeter(onSourceBytes);
	const storedMeter = new ByteMeter();
	const measured = sourceMeter.measure(source);
	const stored: AsyncIterable<Uint8Array> = compression.algorithm === 'none' ? measured : compress(measured, compression.level);
	await store.put(key, storedMeter.measure(stored), put);
	return {
		sourceBytes: sourceMeter.bytes,
		sourceSha256: sourceMeter.sha256(),
		storedBytes: storedMeter.bytes,
		storedSha256: storedMeter.sha256(),
		compression: compression.algorithm === 'none' ? compression : { ...compression, frameBytes: FRAME_BYTES },
	};
}
