import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { FrameCompressor } from '../../../lib/pipeline/frame-compressor';
import { zstdFrames } from '../../../lib/pipeline/zstd-frames';

const BLOCK = 64 * 1024;

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
	yield bytes;
}

describe('FrameCompressor', () => {
	it('makes one whole frame, which states its size, of each of many blocks', async () => {
		const block = fc.oneof(
			fc.uint8Array({ maxLength: 3000 }),
			// Cannot be compressed, and as large as a block may be.
			fc.integer({ min: 1, max: 1000 }).map((seed) => Uint8Array.from({ length: BLOCK }, (_, at) => (Math.imul(at + seed, 2654435761) >>> 13) & 255)),
			fc.constant(new Uint8Array(BLOCK)),
		);
		await fc.assert(
			fc.asyncProperty(fc.constantFrom(1, 3, 9, 19), fc.array(block, { minLength: 1, maxLength: 12 }), async (level, blocks) => {
				const compressor = new FrameCompressor(level, BLOCK);
				try {
					for (const bytes of blocks) {
						const stored = Buffer.concat(await compressor.compress(bytes));
						const frames: number[] = [];
						for await (const frame of zstdFrames(once(stored))) frames.push(frame.contentBytes);
						expect(frames).toEqual([bytes.length]);
						expect(zstdDecompressSync(stored).equals(bytes)).toBe(true);
						// The checksum of the content is there: the last four bytes matter.
						const last = stored.length - 1;
						const damaged = Buffer.from(stored);
						damaged[last] = (damaged[last] ?? 0) ^ 1;
						expect(() => zstdDecompressSync(damaged)).toThrow();
					}
				} finally {
					compressor.close();
				}
			}),
			{ numRuns: 40 },
		);
	});

	it('can be closed while a block is being compressed', async () => {
		const compressor = new FrameCompressor(19, 4 * 1024 * 1024);
		const work = compressor.compress(Buffer.alloc(4 * 1024 * 1024, 'abc'));
		compressor.close();
		await expect(work).rejects.toThrow();
	});
});
