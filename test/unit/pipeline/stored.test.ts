import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { DamagedBytesError } from '../../../lib/pipeline/damaged-bytes-error';
import { readStored } from '../../../lib/pipeline/read-stored';
import { type CompressionSpec, writeStored } from '../../../lib/pipeline/write-stored';
import { chunks, collect, rejection } from '../../support/bytes';
import { MemoryStore } from '../../support/memory-store';

const signal = new AbortController().signal;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const content = Buffer.concat([Buffer.alloc(20_000, 'abc'), randomBytes(20_000)]);

async function stored(compression: CompressionSpec, bytes: Buffer = content) {
	const store = new MemoryStore();
	const written = await writeStored(store, 'k', chunks(bytes), { compression, signal });
	const object = store.objects.get('k')?.content ?? Buffer.alloc(0);
	return { written, object };
}

const specs: CompressionSpec[] = [{ algorithm: 'none' }, { algorithm: 'zstd', level: 3 }];

describe.each(specs)('$algorithm', (compression) => {
	test('counts and digests both sides, and comes back', async () => {
		const { written, object } = await stored(compression);
		expect(written).toMatchObject({
			sourceBytes: content.length,
			sourceSha256: sha256(content),
			storedBytes: object.length,
			storedSha256: sha256(object),
			compression,
		});
		const seen: number[] = [];
		const read = await collect(readStored(chunks(object) as AsyncIterable<Buffer>, written, { onStoredBytes: (total) => seen.push(total) }));
		expect(read.equals(content)).toBe(true);
		expect(seen.at(-1)).toBe(object.length);
	});

	test('an empty source', async () => {
		const { written, object } = await stored(compression, Buffer.alloc(0));
		expect(written).toMatchObject({ sourceBytes: 0, sourceSha256: sha256(Buffer.alloc(0)) });
		expect(await collect(readStored(chunks(object) as AsyncIterable<Buffer>, written))).toHaveLength(0);
		if (compression.algorithm === 'zstd') expect(execFileSync('zstd', ['-dcq'], { input: object })).toHaveLength(0);
	});

	test('any flip, cut or addition is found before the last byte is handed out', async () => {
		const { written, object } = await stored(compression);
		const damage = fc.oneof(
			fc.record({ what: fc.constant('flip' as const), at: fc.nat(object.length - 1), bit: fc.nat(7) }),
			fc.record({ what: fc.constant('cut' as const), at: fc.nat(object.length - 1), bit: fc.constant(0) }),
			fc.record({ what: fc.constant('add' as const), at: fc.nat(100), bit: fc.constant(0) }),
		);
		await fc.assert(
			fc.asyncProperty(damage, async ({ what, at, bit }) => {
				const damaged = what === 'cut' ? object.subarray(0, at) : what === 'add' ? Buffer.concat([object, Buffer.alloc(at + 1)]) : Buffer.from(object);
				if (what === 'flip') damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
				let handedOut = 0;
				const error = await rejection(
					(async () => {
						for await (const chunk of readStored(pieces(damaged, 9000), written)) handedOut += chunk.length;
					})(),
				);
				expect(error).toBeInstanceOf(DamagedBytesError);
				expect(handedOut).toBeLessThan(content.length + 1);
			}),
			{ numRuns: 200 },
		);
	});
});

test('a frame left out at a border is found', async () => {
	const { written, object } = await stored({ algorithm: 'zstd', level: 1 }, Buffer.alloc(9_000_000, 'x'));
	const firstFrame = object.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 4);
	expect(firstFrame).toBeGreaterThan(0);
	expect((await rejection(collect(readStored(chunks(object.subarray(firstFrame)) as AsyncIterable<Buffer>, written)))).message).toContain('stored bytes');
	const exchanged = { ...written, storedBytes: object.length - firstFrame, storedSha256: sha256(object.subarray(firstFrame)) };
	const error = await rejection(collect(readStored(chunks(object.subarray(firstFrame)) as AsyncIterable<Buffer>, exchanged)));
	expect(error.message).toContain('decompressed bytes instead of 9000000');
});

test('other bytes of the same length are found on both sides', async () => {
	const { written } = await stored({ algorithm: 'none' });
	const other = Buffer.from(content).reverse();
	expect((await rejection(collect(readStored(chunks(other) as AsyncIterable<Buffer>, written)))).message).toContain('SHA-256 of its stored bytes');
	const error = await rejection(collect(readStored(chunks(other) as AsyncIterable<Buffer>, { ...written, storedSha256: sha256(other) })));
	expect(error.message).toContain('SHA-256 of its decompressed bytes');
});

test('memory stays flat: of a gigabyte no more than a few frames are held', async () => {
	const block = Buffer.concat([Buffer.alloc(900_000, 'customer,contact,deal,'), randomBytes(100_000)]);
	let largest = 0;
	const source = async function* () {
		for (let round = 0; round < 1000; round++) {
			if (round % 50 === 0) largest = Math.max(largest, process.memoryUsage().arrayBuffers);
			yield block;
		}
	};
	const before = process.memoryUsage().arrayBuffers;
	const drain = { put: async (_key: string, bytes: AsyncIterable<Uint8Array>) => await count(bytes) };
	const written = await writeStored(drain as unknown as MemoryStore, 'k', source(), { compression: { algorithm: 'zstd', level: 1 }, signal });
	expect(written.sourceBytes).toBe(1_000_000_000);
	expect((largest - before) / 1e6).toBeLessThan(150);
}, 60_000);

async function count(bytes: AsyncIterable<Uint8Array>): Promise<number> {
	let total = 0;
	for await (const chunk of bytes) total += chunk.byteLength;
	return total;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, void> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
