import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { FrameBuffers } from './frame-buffers';
import { FRAME_BYTES, framesAtOnce } from './frame-size';
import { mapInOrder } from './map-in-order';
import { encodeSeekTable, MAX_SEEK_ENTRIES, type SeekTableEntry } from './seek-table';
import { splitFrames } from './split-frames';

const compressFrame = promisify(zstdCompress);

/** Output buffer of one compressor: the default of 16 KiB would cost hundreds of thread switches a frame. */
const OUTPUT_CHUNK = 1024 * 1024;

/**
 * Compresses to zstd (RFC 8878) as independent frames, several at once on the libuv pool, followed by a seek table.
 * Each frame states its content size and carries a checksum. Stock `zstd -d` reads the result.
 * Node's `nbWorkers` is never used: it silently truncates the output (nodejs/node 59899).
 */
export async function* compress(source: AsyncIterable<Uint8Array>, level: number, frameBytes = FRAME_BYTES): AsyncGenerator<Buffer, void, void> {
	const entries: SeekTableEntry[] = [];
	const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_contentSizeFlag]: 1 };
	const buffers = new FrameBuffers(frameBytes);
	const frames = mapInOrder(splitFrames(source, frameBytes, buffers), framesAtOnce(level), async (frame) => {
		const stored = await compressFrame(frame, { chunkSize: OUTPUT_CHUNK, pledgedSrcSize: frame.length, params });
		buffers.giveBack(frame);
		return { stored, sourceBytes: frame.length };
	});
	for await (const { stored, sourceBytes } of frames) {
		entries.push({ storedBytes: stored.length, sourceBytes });
		yield stored;
	}
	if (entries.length <= MAX_SEEK_ENTRIES) yield encodeSeekTable(entries);
}
