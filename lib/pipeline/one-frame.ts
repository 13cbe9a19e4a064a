import { createZstdDecompress, type ZstdDecompress, type ZstdOptions } from 'node:zlib';
import { DamagedBytesError } from './damaged-bytes-error';

/** Large enough that the turns of the event loop cost little. */
const OUTPUT_CHUNK = 1024 * 1024;
/** What may be decompressed ahead of whoever reads it. */
const AHEAD = 4 * OUTPUT_CHUNK;

/**
 * Decompresses zstd that somebody else wrote as one frame of any length (RFC 8878), which cannot be cut into frames to be decoded by themselves.
 * Node's decoder takes a frame that was cut off for a whole one (nodejs/node 64592): the caller compares length and digest.
 * @throws DamagedBytesError, or what the source throws
 */
export async function* decompressOneFrame(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
	const decoder = openDecoder();
	const feeding = feed(source, decoder);
	// Its error comes out of the decoder too.
	feeding.catch(() => undefined);
	try {
		for await (const piece of decoder as AsyncIterable<Buffer>) yield piece;
		await feeding;
	} catch (error) {
		throw meaning(error);
	} finally {
		decoder.destroy();
		await feeding.catch(() => undefined);
	}
}

/**
 * Hands on `source`, one zstd frame, as it is, while `read` gets what is in it, and must read all of it. Chunks are handed on without being copied.
 * @throws DamagedBytesError, what the source throws, or what `read` throws
 */
export async function* passOneFrame(source: AsyncIterable<Buffer>, read: (content: AsyncIterable<Buffer>) => Promise<void>): AsyncGenerator<Buffer, void, void> {
	const decoder = openDecoder();
	const reading = read(decoder as AsyncIterable<Buffer>);
	let failure: { readonly error: unknown } | undefined;
	reading.catch((error: unknown) => {
		failure = { error };
		decoder.destroy();
	});
	try {
		for await (const chunk of source) {
			const written = write(decoder, chunk);
			// It is awaited after the chunk was used; until then it must not count as unhandled.
			written.catch(() => undefined);
			yield chunk;
			await written;
		}
		decoder.end();
		await reading;
	} catch (error) {
		decoder.destroy(error instanceof Error ? error : undefined);
		await reading.catch(() => undefined);
		// A reader that gave up closes the decoder, which is no reason of its own.
		throw meaning(error instanceof ClosedError && failure ? failure.error : error);
	} finally {
		decoder.destroy();
		await reading.catch(() => undefined);
	}
}

/** The decoder was closed while it still had something to do. */
class ClosedError extends Error {
	override readonly name = 'ClosedError';
}

function openDecoder(): ZstdDecompress {
	// Those of every stream are passed on; Node's types do not say so.
	const options: ZstdOptions & { readonly readableHighWaterMark: number } = { chunkSize: OUTPUT_CHUNK, readableHighWaterMark: AHEAD };
	const decoder = createZstdDecompress(options);
	// Whoever reads or writes gets it; without a listener it would end the process.
	decoder.on('error', () => undefined);
	return decoder;
}

async function feed(source: AsyncIterable<Uint8Array>, decoder: ZstdDecompress): Promise<void> {
	try {
		for await (const chunk of source) await write(decoder, chunk);
		decoder.end();
	} catch (error) {
		decoder.destroy(error instanceof Error ? error : undefined);
		throw error;
	}
}

/** Resolves when the decoder has no more need of `chunk`. */
async function write(decoder: ZstdDecompress, chunk: Uint8Array): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		// One that is closed while its output waits for a reader never answers.
		const closed = () => reject(new ClosedError('The decoder was closed.'));
		if (decoder.destroyed) return closed();
		decoder.once('close', closed);
		decoder.write(chunk, (error) => {
			decoder.removeListener('close', closed);
			if (error) reject(error);
			else resolve();
		});
	});
}

/** What zlib says of bytes that are no zstd. */
function meaning(error: unknown): unknown {
	const { code } = (error ?? {}) as { readonly code?: unknown };
	return typeof code === 'string' && /^(ZSTD|Z)_/.test(code) ? new DamagedBytesError('it cannot be decompressed', { cause: error }) : error;
}
