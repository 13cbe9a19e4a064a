import { BackupError } from '../core/errors';
import type { PutOptions, Store } from '../storage/store';

/** A manifest of 100,000 tables has about this size; more is not one of ours. */
export const MAX_SMALL_OBJECT = 64 * 1024 * 1024;

/**
 * Reads a whole JSON text, with a bound on its size.
 * @returns `undefined` where there is no such object
 * @throws BackupError of the store; `MANIFEST_INVALID` when it is too large
 */
export async function readSmallObject(store: Store, key: string, signal: AbortSignal): Promise<string | undefined> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	try {
		for await (const chunk of await store.get(key, { signal })) {
			const part = chunk as Buffer;
			bytes += part.length;
			if (bytes > MAX_SMALL_OBJECT) {
				throw new BackupError('MANIFEST_INVALID', `${key} is larger than ${MAX_SMALL_OBJECT} bytes.`, 'It was not written by this package. Look at it by hand.');
			}
			chunks.push(part);
		}
	} catch (error) {
		if (error instanceof BackupError && error.code === 'OBJECT_NOT_FOUND') return undefined;
		throw error;
	}
	return Buffer.concat(chunks).toString('utf8');
}

/** Writes `value` as readable JSON. */
export async function writeSmallObject(store: Store, key: string, value: unknown, options: PutOptions): Promise<void> {
	await store.put(key, once(Buffer.from(`${JSON.stringify(value, null, '\t')}\n`)), options);
}

/** A source of one chunk. */
export async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
	yield chunk;
}

/** Reading of small objects that nobody needs to cancel. */
export const NEVER_ABORTED: AbortSignal = new AbortController().signal;
