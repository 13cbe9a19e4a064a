import { ByteQueue } from './byte-queue';
import { DamagedBytesError } from './damaged-bytes-error';
import { MAX_FRAME_BYTES } from './frame-size';

/** One whole zstd frame as stored. */
export interface ZstdFrame {
	readonly stored: Buffer;
	/** Declared size of its content. */
	readonly contentBytes: number;
	/** Where it begins in the file. */
	readonly offset: number;
}

const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE_MASK = 0xfffffff0;
const SKIPPABLE_BASE = 0x184d2a50;
const MAX_HEADER_BYTES = 18;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;

/**
 * Delimits the frames of a zstd file by their headers (RFC 8878, section 3.1), skippable frames left out.
 * Nothing is decompressed: Node's decoder loses frames and accepts cut ones when it must find their ends by itself
 * (nodejs/node 64741, 64592), so each frame is handed to it alone.
 * @throws DamagedBytesError
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<ZstdFrame, void, void> {
	const queue = new ByteQueue(source);
	try {
		while ((await queue.ensure(4)) > 0) {
			const offset = queue.offset;
			await need(queue, 4, offset);
			const magic = queue.peek(0, 4).readUInt32LE(0);
			if (magic === ZSTD_MAGIC) {
				const header = await frameHeader(queue, offset);
				const storedBytes = await walkBlocks(queue, header, offset);
				yield { stored: queue.take(storedBytes), contentBytes: header.size, offset };
			} else if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_BASE) {
				await need(queue, 8, offset);
				const bytes = 8 + queue.peek(4, 4).readUInt32LE(0);
				if ((await queue.skip(bytes)) < bytes) throw cutOff(offset);
			} else {
				throw new DamagedBytesError(`no zstd frame begins at byte ${offset}`);
			}
		}
	} finally {
		await queue.close();
	}
}

interface FrameHeader {
	readonly headerBytes: number;
	readonly checksumBytes: number;
	readonly size: number;
}

/** Section 3.1.1.1: frame header descriptor, window descriptor, dictionary id, frame content size. */
async function frameHeader(queue: ByteQueue, offset: number): Promise<FrameHeader> {
	await need(queue, 5, offset);
	const descriptor = queue.peek(4, 1).readUInt8(0);
	const sizeFlag = descriptor >> 6;
	const singleSegment = (descriptor & 0x20) !== 0;
	if ((descriptor & 0x08) !== 0) throw new DamagedBytesError(`the frame at byte ${offset} uses a reserved bit`);
	if ((descriptor & 0x03) !== 0) throw new DamagedBytesError(`the frame at byte ${offset} needs a dictionary`);
	const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
	if (sizeBytes === 0) throw new DamagedBytesError(`the frame at byte ${offset} does not state its size`);
	const sizeAt = 5 + (singleSegment ? 0 : 1);
	await need(queue, sizeAt + sizeBytes, offset);
	const size = readSize(queue.peek(sizeAt, sizeBytes));
	if (size > MAX_FRAME_BYTES) throw new DamagedBytesError(`the frame at byte ${offset} claims ${size} bytes, more than ${MAX_FRAME_BYTES}`);
	return { headerBytes: sizeAt + sizeBytes, checksumBytes: (descriptor & 0x04) === 0 ? 0 : 4, size };
}

function readSize(field: Buffer): number {
	switch (field.length) {
		case 1:
			return field.readUInt8(0);
		case 2:
			return field.readUInt16LE(0) + 256;
		case 4:
			return field.readUInt32LE(0);
		default:
			return Number(field.readBigUInt64LE(0));
	}
}

/** Section 3.1.1.2: follows the block headers to the frame's end. @returns the bytes of the whole frame */
async function walkBlocks(queue: ByteQueue, header: FrameHeader, offset: number): Promise<number> {
	// No encoder stores more than the content plus its headers; beyond that the headers are garbage.
	const most = MAX_HEADER_BYTES + header.size + BLOCK_HEADER_BYTES * (2 + Math.ceil(header.size / 1024)) + header.checksumBytes;
	let position = header.headerBytes;
	for (let last = false; !last; ) {
		await need(queue, position + BLOCK_HEADER_BYTES, offset);
		const block = queue.peek(position, BLOCK_HEADER_BYTES).readUIntLE(0, BLOCK_HEADER_BYTES);
		last = (block & 1) === 1;
		const type = (block >> 1) & 3;
		const size = block >> 3;
		if (type === 3) throw new DamagedBytesError(`the frame at byte ${offset} holds a block of an unknown type`);
		if (size > MAX_BLOCK_BYTES) throw new DamagedBytesError(`the frame at byte ${offset} holds a block that is too large`);
		position += BLOCK_HEADER_BYTES + (type === 1 ? 1 : size);
		if (position > most) throw new DamagedBytesError(`the frame at byte ${offset} does not end where it should`);
		await need(queue, position, offset);
	}
	position += header.checksumBytes;
	await need(queue, position, offset);
	return position;
}

async function need(queue: ByteQueue, bytes: number, offset: number): Promise<void> {
	if ((await queue.ensure(bytes)) < bytes) throw cutOff(offset);
}

function cutOff(offset: number): DamagedBytesError {
	return new DamagedBytesError(`it ends in the middle of the frame that begins at byte ${offset}`);
}
