import { FrameBuffers } from './frame-buffers';

/**
 * Gathers chunks of any size into blocks of exactly `frameBytes`, the last one shorter; an empty source gives one empty block.
 * Bytes are copied: a source may reuse the memory of its chunks. `buffers` gives the memory of each block; who is done with one may hand it back.
 */
export async function* splitFrames(source: AsyncIterable<Uint8Array>, frameBytes: number, buffers = new FrameBuffers(frameBytes)): AsyncGenerator<Buffer, void, void> {
	let frame = buffers.take();
	let filled = 0;
	let yielded = false;
	for await (const chunk of source) {
		for (let offset = 0; offset < chunk.byteLength; ) {
			const part = chunk.subarray(offset, offset + frameBytes - filled);
			frame.set(part, filled);
			filled += part.byteLength;
			offset += part.byteLength;
			if (filled === frameBytes) {
				yield frame;
				yielded = true;
				frame = buffers.take();
				filled = 0;
			}
		}
	}
	if (filled > 0 || !yielded) yield frame.subarray(0, filled);
}
