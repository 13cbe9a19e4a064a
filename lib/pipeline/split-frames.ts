/**
 * Gathers chunks of any size into blocks of exactly `frameBytes`, the last one shorter; an empty source gives one empty block.
 * Bytes are copied: a source may reuse the memory of its chunks.
 */
export async function* splitFrames(source: AsyncIterable<Uint8Array>, frameBytes: number): AsyncGenerator<Buffer, void, void> {
	let frame = Buffer.allocUnsafeSlow(frameBytes);
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
				frame = Buffer.allocUnsafeSlow(frameBytes);
				filled = 0;
			}
		}
	}
	if (filled > 0 || !yielded) yield frame.subarray(0, filled);
}
