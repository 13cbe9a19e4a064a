import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { compress } from '../../../lib/pipeline/compress';
import { DamagedBytesError } from '../../../lib/pipeline/damaged-bytes-error';
import { decompress } from '../../../lib/pipeline/decompress';
import { decodeSeekTable, encodeSeekTable } from '../../../lib/pipeline/seek-table';
import { splitFrames } from '../../../lib/pipeline/split-frames';
import { zstdFrames } from '../../../lib/pipeline/zstd-frames';
import { all, chunks, collect, rejection } from '../../support/bytes';

const FRAME = 4096;

/** `content` cut into pieces of the given sizes, over and over. */
async function* cut(content: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer, void, void> {
	for (let at = 0, turn = 0; at < content.length; turn++) {
		const size = sizes[turn % sizes.length] ?? content.length;
		yield content.subarray(at, at + size);
		at += size;
	}
}

/** Half of it compresses well, half does not. */
function sample(bytes: number): Buffer {
	return Buffer.concat([Buffer.alloc(Math.floor(bytes / 2), 'the quick brown fox '), randomBytes(Math.ceil(bytes / 2))]);
}

const stockDecompress = (stored: Buffer) => execFileSync('zstd', ['-d', '-c', '-q'], { input: stored, maxBuffer: 1 << 30 });

test('any size in any pieces comes back, by us and by the stock zstd', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.nat(5 * FRAME),
			fc.array(fc.integer({ min: 1, max: 3 * FRAME }), { minLength: 1, maxLength: 5 }),
			fc.array(fc.integer({ min: 1, max: 3 * FRAME }), { minLength: 1, maxLength: 5 }),
			async (bytes, writes, reads) => {
				const content = sample(bytes);
				const stored = await collect(compress(cut(content, writes), 1, FRAME));
				expect((await collect(decompress(cut(stored, reads)))).equals(content)).toBe(true);
				expect(stockDecompress(stored).equals(content)).toBe(true);
			},
		),
		{ numRuns: 40, examples: [[0, [1], [1]], [FRAME, [FRAME], [7]], [2 * FRAME, [1000], [1]]] },
	);
});

test.each([1, 3, 9, 19])('level %i in frames of the real size', async (level) => {
	const content = sample(9_000_000);
	const stored = await collect(compress(cut(content, [70_000]), level));
	expect(stockDecompress(stored).equals(content)).toBe(true);
	expect((await collect(decompress(cut(stored, [512 * 1024])))).equals(content)).toBe(true);
});

test('a source that reuses its memory is not mixed up', async () => {
	const reused = Buffer.alloc(1000);
	const source = async function* () {
		for (let round = 0; round < 50; round++) yield reused.fill(round);
	};
	const content = await collect(decompress(compress(source(), 1, FRAME)));
	expect(content.equals(Buffer.concat(Array.from({ length: 50 }, (_, round) => Buffer.alloc(1000, round))))).toBe(true);
});

test('the frame index at the end names every frame', async () => {
	const content = sample(3 * FRAME + 10);
	const stored = await collect(compress(chunks(content), 1, FRAME));
	const frames = await all(zstdFrames(chunks(stored)));
	const table = encodeSeekTable(frames.map((frame) => ({ storedBytes: frame.stored.length, sourceBytes: frame.contentBytes })));
	expect(frames.map((frame) => frame.contentBytes)).toEqual([FRAME, FRAME, FRAME, 10]);
	expect(stored.subarray(stored.length - table.length).equals(table)).toBe(true);
	expect(decodeSeekTable(table)).toHaveLength(4);
	expect(decodeSeekTable(table.subarray(0, -1))).toBeUndefined();
	// Any frame can be fetched by its place alone.
	const [first, second] = decodeSeekTable(table) ?? [];
	const start = first?.storedBytes ?? 0;
	const alone = await collect(decompress(chunks(stored.subarray(start, start + (second?.storedBytes ?? 0)))));
	expect(alone.equals(content.subarray(FRAME, 2 * FRAME))).toBe(true);
});

test('files of the stock zstd are read, several concatenated and with skippable frames between', async () => {
	const parts = [sample(100_000), sample(300), Buffer.alloc(0), sample(70_000)];
	const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.alloc(5)]);
	const stored = Buffer.concat(
		parts.flatMap((part) => [skippable, execFileSync('zstd', ['-c', '-q', `--stream-size=${part.length}`], { input: part })]),
	);
	expect((await collect(decompress(cut(stored, [11, 4000])))).equals(Buffer.concat(parts))).toBe(true);
});

test('cut off anywhere inside a frame, it is noticed', async () => {
	const stored = await collect(compress(chunks(sample(2 * FRAME)), 1, FRAME));
	const borders = new Set([0]);
	for (const frame of await all(zstdFrames(chunks(stored)))) borders.add(frame.offset + frame.stored.length);
	for (let length = 1; length < stored.length; length += length < 30 ? 1 : 97) {
		if (borders.has(length)) continue;
		expect(await rejection(collect(decompress(chunks(stored.subarray(0, length)))))).toBeInstanceOf(DamagedBytesError);
	}
});

test('a flipped bit inside the frames is noticed, or changes nothing', async () => {
	const content = sample(2 * FRAME);
	const stored = await collect(compress(chunks(content), 1, FRAME));
	const frames = await all(zstdFrames(chunks(stored)));
	const inFrames = frames.reduce((total, frame) => total + frame.stored.length, 0);
	await fc.assert(
		fc.asyncProperty(fc.nat(inFrames - 1), fc.nat(7), async (at, bit) => {
			const flipped = Buffer.from(stored);
			flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
			let read: Buffer;
			try {
				read = await collect(decompress(chunks(flipped)));
			} catch (error) {
				expect(error).toBeInstanceOf(DamagedBytesError);
				return;
			}
			// A flip may turn the checksum flag off or a frame into a skippable one; only the digests of the manifest find that.
			expect(at < 5 || frames.some((frame) => at - frame.offset >= 0 && at - frame.offset < 5) || read.equals(content)).toBe(true);
		}),
		{ numRuns: 300 },
	);
});

describe('frames that are not ours', () => {
	const header = (descriptor: number, ...rest: number[]) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest]);

	test.each([
		['garbage', Buffer.from('this is no zstd file'), 'no zstd frame begins at byte 0'],
		['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), 'no zstd frame begins at byte 0'],
		['three bytes', Buffer.from([0x28, 0xb5, 0x2f]), 'ends in the middle'],
		['no content size', header(0x04, 0x48, 0x09, 0, 0, 0), 'does not state its size'],
		['a huge size', header(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x7f), 'claims'],
		['just over the limit', header(0xa0, 1, 0, 0, 4), 'claims 67108865 bytes'],
		['a dictionary', header(0x21, 1, 0, 0, 0, 0), 'dictionary'],
		['a reserved bit', header(0x28, 0, 1, 0, 0), 'reserved bit'],
		['an unknown block', header(0x20, 1, 0x07, 0, 0, 0), 'unknown type'],
		['a block that is too large', header(0x20, 200, 0xfd, 0xff, 0xff), 'block that is too large'],
		['a frame without an end', Buffer.concat([header(0x20, 5), Buffer.alloc(3000, Buffer.from([0x02, 0, 0, 0]))]), 'does not end'],
		['a size that is too small', Buffer.concat([header(0x20, 2), Buffer.from([0x29, 0, 0]), Buffer.from('hello')]), 'cannot be decompressed'],
		['a size that is too large', Buffer.concat([header(0x20, 9), Buffer.from([0x29, 0, 0]), Buffer.from('hello')]), 'cannot be decompressed'],
		['a skippable frame cut short', Buffer.from([0x50, 0x2a, 0x4d, 0x18, 200, 0, 0, 0, 1, 2, 3]), 'ends in the middle'],
	])('%s', async (_name, stored, message) => {
		const error = await rejection(collect(decompress(cut(stored, [3]))));
		expect(error).toBeInstanceOf(DamagedBytesError);
		expect(error.message).toContain(message);
	});
});

test('splitting gives full frames and one for an empty source', async () => {
	expect((await all(splitFrames(chunks('abcde', '', 'fghij', 'k'), 4))).map(String)).toEqual(['abcd', 'efgh', 'ijk']);
	expect((await all(splitFrames(chunks('abcd'), 4))).map(String)).toEqual(['abcd']);
	expect((await all(splitFrames(chunks(), 4))).map(String)).toEqual(['']);
});
