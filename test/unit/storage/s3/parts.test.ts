import fc from 'fast-check';
import { cutParts, type Part, PartBuffers } from '../../../../lib/storage/s3/cut-parts';
import { LARGEST_PART, largestObject, MAX_PARTS, partsAtOnce, partSizes, SMALLEST_PART } from '../../../../lib/storage/s3/part-sizes';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('the size of parts', () => {
	test('10,000 parts hold whatever was expected, and half as much again, up to 600 GiB', () => {
		fc.assert(fc.property(fc.double({ min: 0, max: 400 * GIB, noNaN: true }), (expected) => largestObject(expected) >= expected * 1.5));
		expect(largestObject(600 * GIB)).toBeGreaterThan(600 * GIB);
		expect(largestObject(undefined)).toBe(250 * GIB);
	});

	test('no part is smaller than S3 allows or larger than fits in memory, and parts only grow', () => {
		fc.assert(
			fc.property(fc.option(fc.double({ min: 0, max: 1e15, noNaN: true }), { nil: undefined }), (expected) => {
				const size = partSizes(expected);
				let before = SMALLEST_PART;
				for (let part = 1; part <= MAX_PARTS; part += 97) {
					if (size(part) < before || size(part) > LARGEST_PART) return false;
					before = size(part);
				}
				return SMALLEST_PART >= 5 * MIB;
			}),
		);
	});

	test('parts have one size as long as the estimate holds, as some services demand', () => {
		fc.assert(
			fc.property(fc.double({ min: 0, max: 150 * GIB, noNaN: true }), (expected) => {
				const size = partSizes(expected);
				const first = size(1);
				return size(Math.min(MAX_PARTS, Math.max(1, Math.ceil(expected / first)))) === first || expected > 31 * GIB;
			}),
		);
	});

	test('whatever is in memory at once stays small', () => {
		// Those on their way, and the one that is being filled.
		for (let bytes = SMALLEST_PART; bytes <= LARGEST_PART; bytes *= 2) expect((partsAtOnce(bytes) + 1) * bytes).toBeLessThanOrEqual(64 * MIB);
		expect(partsAtOnce(SMALLEST_PART)).toBe(4);
	});
});

describe('cutting into parts', () => {
	const cut = async (chunks: Uint8Array[], sizeOf: (part: number) => number) => {
		const source = async function* () {
			yield* chunks;
		};
		const buffers = new PartBuffers();
		const parts: (Omit<Part, 'body'> & { body: Buffer })[] = [];
		for await (const part of cutParts(source(), sizeOf, buffers)) {
			parts.push({ ...part, body: Buffer.from(part.body) });
			buffers.giveBack(part.body);
		}
		return parts;
	};

	test('yields the same bytes in parts of the given sizes, whatever the chunks, also when memory is used again', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }), async (chunks, sizes) => {
				const sizeOf = (part: number) => [...sizes].sort((a, b) => a - b)[Math.min(part, sizes.length) - 1]!;
				const parts = await cut(chunks, sizeOf);
				expect(Buffer.concat(parts.map(({ body }) => body)).equals(Buffer.concat(chunks))).toBe(true);
				expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
				expect(parts.map(({ last }) => last)).toEqual(parts.map((_, index) => index === parts.length - 1));
				for (const { number, body, last } of parts) if (!last) expect(body.length).toBe(sizeOf(number));
				// Only an empty object has an empty part.
				expect(parts.at(-1)!.body.length > 0 || parts.length === 1).toBe(true);
			}),
		);
	});

	test('the first buffer is no larger than a small object needs', async () => {
		const [part] = await cut([Buffer.alloc(100)], () => SMALLEST_PART);
		expect(part!.body.buffer.byteLength).toBeLessThan(MIB);
	});
});
