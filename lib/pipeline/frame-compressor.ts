import { constants, createZstdCompress, type ZstdCompress, type ZstdOptions } from 'node:zlib';

/** The smallest window that zstd knows (`ZSTD_WINDOWLOG_MIN`). */
const SMALLEST_WINDOW_LOG = 10;

/**
 * Compresses blocks of bytes to zstd frames (RFC 8878), one at a time, with one encoder for all of them: making one for each block cost a sixth of the
 * time, half of it in V8's collector, which counts an encoder's memory (measured). Each frame states its content size and carries a checksum.
 * The window is as large as a whole block: where it is smaller, zstd moves it along, which costs a tenth of its time (measured).
 */
export class FrameCompressor {
	private readonly encoder: ZstdCompress;
	private failure: { readonly error: unknown } | undefined;

	/** @param blockBytes the largest block */
	constructor(level: number, blockBytes: number) {
		const room = 2 * blockBytes + 1024;
		// Those of every stream are passed on; Node's types do not say so.
		const options: ZstdOptions & { readonly readableHighWaterMark: number; readonly writableHighWaterMark: number } = {
			// Every write is a whole frame.
			flush: constants.ZSTD_e_end,
			// Its output: what is left of one serves the next frame. Large enough that it is never waited for.
			chunkSize: room,
			readableHighWaterMark: room,
			writableHighWaterMark: room,
			params: {
				[constants.ZSTD_c_compressionLevel]: level,
				[constants.ZSTD_c_windowLog]: Math.max(SMALLEST_WINDOW_LOG, Math.ceil(Math.log2(blockBytes))),
				[constants.ZSTD_c_checksumFlag]: 1,
				[constants.ZSTD_c_contentSizeFlag]: 1,
			},
		};
		this.encoder = createZstdCompress(options);
		// Whoever waits for a frame gets it from the write.
		this.encoder.on('error', (error) => (this.failure ??= { error }));
	}

	/** One frame, in one or more pieces. `block` is read until this resolves; the one before must have resolved. */
	async compress(block: Uint8Array): Promise<Buffer[]> {
		this.throwFailure();
		await new Promise<void>((resolve, reject) => this.encoder.write(block, (error) => (error ? reject(error) : resolve())));
		const pieces: Buffer[] = [];
		for (let piece = this.next(); piece !== null; piece = this.next()) pieces.push(piece);
		// Even a frame of nothing has a header: an encoder that was closed meanwhile says nothing of what it lost.
		if (pieces.length === 0) {
			this.throwFailure();
			throw new Error('The compressor was closed.');
		}
		return pieces;
	}

	close(): void {
		this.encoder.destroy();
	}

	private throwFailure(): void {
		if (this.failure) throw this.failure.error;
	}

	private next(): Buffer | null {
		return this.encoder.read() as Buffer | null;
	}
}
