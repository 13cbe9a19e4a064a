import { FrameBuffers } from './frame-buffers';
import { FrameCompressor } from './frame-compressor';
import { FRAME_BYTES, framesAtOnce } from './frame-size';
import { mapInOrder } from './map-in-order';
import { encodeSeekTable, MAX_SEEK_ENTRIES, type SeekTableEntry } from './seek-table';
import { splitFrames } from './split-frames';

/**
 * Compresses to zstd (RFC 8878) as independent frames, several at once on the libuv pool, followed by a seek table.
 * Stock `zstd -d` reads the result.
 * Node's `nbWorkers` is never used: it silently truncates the output (nodejs/node 59899).
 */
export async function* compress(source: AsyncIterable<Uint8Array>, level: number, frameBytes = FRAME_BYTES): AsyncGenerator<Buffer, void, void> {
	const entries: SeekTableEntry[] = [];
	const buffers = new FrameBuffers(frameBytes);
	const compressors: FrameCompressor[] = [];
	const idle: FrameCompressor[] = [];
	const frames = mapInOrder(splitFrames(source, frameBytes, buffers), framesAtOnce(level), async (frame) => {
		let compressor = idle.pop();
		if (!compressor) compressors.push((compressor = new FrameCompressor(level, frameBytes)));
		const pieces = await compressor.compress(frame);
		idle.push(compressor);
		buffers.giveBack(frame);
		return { pieces, sourceBytes: frame.length };
	});
	try {
		for await (const { pieces, sourceBytes } of frames) {
			entries.push({ storedBytes: pieces.reduce((sum, piece) => sum + piece.length, 0), sourceBytes });
			yield* pieces;
		}
	} finally {
		compressors.forEach((compressor) => compressor.close());
	}
	if (entries.length <= MAX_SEEK_ENTRIES) yield encodeSeekTable(entries);
}
