/** A piece of an object, numbered from 1. Its memory must be given back. */
export interface Part {
	readonly number: number;
	readonly body: Buffer;
	/** Whether the object ends with it. */
	readonly last: boolean;
}

const FIRST_BUFFER = 64 * 1024;

/** Memory for parts, used again and again: parts are large, and waiting for the collector would let them pile up. */
export class PartBuffers {
	private free: Buffer[] = [];

	take(bytes: number): Buffer {
		this.free = this.free.filter((buffer) => buffer.length >= bytes);
		return this.free.pop() ?? Buffer.allocUnsafeSlow(bytes);
	}

	giveBack(body: Buffer): void {
		this.free.push(Buffer.from(body.buffer as ArrayBuffer));
	}
}

/** Copies a source into parts of the given sizes. There is always at least one, if need be an empty one. */
export async function* cutParts(source: AsyncIterable<Uint8Array>, sizeOf: (part: number) => number, buffers: PartBuffers): AsyncGenerator<Part, void, void> {
	let number = 1;
	let size = sizeOf(1);
	// Most objects are small: the first buffer grows with what it has to hold.
	let buffer: Buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_BUFFER, size));
	let filled = 0;
	for await (const chunk of source) {
		for (let taken = 0; taken < chunk.byteLength; ) {
			if (filled === size) {
				yield { number, body: buffer.subarray(0, filled), last: false };
				number += 1;
				size = sizeOf(number);
				buffer = buffers.take(size);
				filled = 0;
			}
			if (filled === buffer.length) buffer = grown(buffer, Math.min(size, Math.max(buffer.length * 4, filled + chunk.byteLength - taken)));
			const bytes = Math.min(chunk.byteLength - taken, size - filled, buffer.length - filled);
			buffer.set(chunk.subarray(taken, taken + bytes), filled);
			filled += bytes;
			taken += bytes;
		}
	}
	yield { number, body: buffer.subarray(0, filled), last: true };
}

function grown(buffer: Buffer, bytes: number): Buffer {
	const larger = Buffer.allocUnsafeSlow(bytes);
	buffer.copy(larger);
	return larger;
}
