import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { DamagedBytesError } from './damaged-bytes-error';
import { FRAME_BYTES, framesAhead } from './frame-size';
import { mapInOrder } from './map-in-order';
import { type ZstdFrame, zstdFrames } from './zstd-frames';

const decompressFrame = promisify(zstdDecompress);

/** A frame comes out in one piece, which needs no joining; of a larger one that others wrote, as much at a time. A little more, so that the end is seen at once. */
const OUTPUT_CHUNK = FRAME_BYTES + 64;

/**
 * Decompresses a zstd file frame by frame, a few frames ahead on the libuv pool.
 * Frames must state their content size (ours do, `zstd` without a pipe does), at most 64 MiB.
 * A file that ends between two frames looks complete here: the caller checks the length.
 * @throws DamagedBytesError
 */
export function decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
	return mapInOrder(zstdFrames(source), framesAhead(), decode);
}

async function decode(frame: ZstdFrame): Promise<Buffer> {
	let content: Buffer;
	try {
		content = await decompressFrame(frame.stored, { maxOutputLength: Math.max(1, frame.contentBytes), chunkSize: Math.min(frame.contentBytes + 64, OUTPUT_CHUNK) });
	} catch (error) {
		throw new DamagedBytesError(`the frame at byte ${frame.offset} cannot be decompressed`, { cause: error });
	}
	if (content.length === frame.contentBytes) return content;
	throw new DamagedBytesError(`the frame at byte ${frame.offset} holds ${content.length} bytes instead of ${frame.contentBytes}`);
}
