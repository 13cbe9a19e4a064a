import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { DamagedBytesError } from '../../../lib/pipeline/damaged-bytes-error';
import { decompressOneFrame, passOneFrame } from '../../../lib/pipeline/one-frame';
import { readStored } from '../../../lib/pipeline/read-stored';
import { ONE_FRAME, writeStored } from '../../../lib/pipeline/write-stored';
import { times } from '../../support/breadth';
import { collect, rejection } from '../../support/bytes';
import { MemoryStore } from '../../support/memory-store';

const signal = new AbortController().signal;
/** Larger than what the decoder hands out at once, and than what it decodes ahead. */
const content = Buffer.concat([Buffer.alloc(5_000_000, 'a line of a table\n'), randomBytes(300_000)]);
/** As a server writes it while it does not know how much will come: without the size of the content. */
const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer, void, void> {
	for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const reader = () => {
	const read: Buffer[] = [];
	return {
		read: async (bytes: AsyncIterable<Buffer>) => {
			for await (const chunk of bytes) read.push(chunk);
		},
		content: () => Buffer.concat(read),
	};
};

test('it is handed on as it is, and its content is read meanwhile', async () => {
	await fc.assert(
		fc.asyncProperty(fc.integer({ min: 1000, max: 400_000 }), async (length) => {
			const inside = reader();
			expect((await collect(passOneFrame(pieces(frame, length), inside.read))).equals(frame)).toBe(true);
			expect(inside.content().equals(content)).toBe(true);
			expect((await collect(decompressOneFrame(pieces(frame, length)))).equals(content)).toBe(true);
		}),
		{ numRuns: times(20, 6, 3) },
	);
});

test('stored and read back: any flip, cut or addition is found', async () => {
	const store = new MemoryStore();
	const inside = reader();
	const written = await writeStored(store, 'k', passOneFrame(pieces(frame, 100_000), inside.read), { compression: { algorithm: 'zstd', level: 1 }, digestedInside: true, contentBytes: () => inside.content().length, signal });
	expect(written).toMatchObject({ sourceBytes: content.length, storedBytes: frame.length, compression: { algorithm: 'zstd', level: 1, frameBytes: ONE_FRAME } });
	const object = store.objects.get('k')?.content ?? Buffer.alloc(0);
	expect((await collect(readStored(pieces(object, 70_000), written))).equals(content)).toBe(true);
	const damage = fc.record({ what: fc.constantFrom('flip', 'cut', 'add'), at: fc.nat(object.length - 1) });
	await fc.assert(
		fc.asyncProperty(damage, async ({ what, at }) => {
			const damaged = what === 'cut' ? object.subarray(0, at) : what === 'add' ? Buffer.concat([object, Buffer.alloc(1 + (at % 100))]) : Buffer.from(object);
			if (what === 'flip') damaged.writeUInt8(damaged.readUInt8(at) ^ 4, at);
			expect(await rejection(collect(readStored(pieces(damaged, 70_000), written)))).toBeInstanceOf(DamagedBytesError);
		}),
		{ numRuns: times(100, 20, 10) },
	);
});

test('what is no zstd is damaged bytes, on both ways', async () => {
	const noise = randomBytes(300_000);
	expect(await rejection(collect(decompressOneFrame(pieces(noise, 50_000))))).toBeInstanceOf(DamagedBytesError);
	expect(await rejection(collect(passOneFrame(pieces(noise, 50_000), reader().read)))).toBeInstanceOf(DamagedBytesError);
});

test("the reader's own error, and that of the source, come out, and the source is closed", async () => {
	let closed = 0;
	const watched = async function* (failing: boolean) {
		try {
			yield* pieces(frame.subarray(0, 150_000), 50_000);
			if (failing) throw new Error('the connection is gone');
			yield* pieces(frame.subarray(150_000), 50_000);
		} finally {
			closed += 1;
		}
	};
	const refusing = async (bytes: AsyncIterable<Buffer>) => {
		for await (const chunk of bytes) if (chunk.length > 0) throw new Error('not what the manifest says');
	};
	expect(await rejection(collect(passOneFrame(watched(false), refusing)))).toMatchObject({ message: 'not what the manifest says' });
	expect(await rejection(collect(passOneFrame(watched(true), reader().read)))).toMatchObject({ message: 'the connection is gone' });
	expect(await rejection(collect(decompressOneFrame(watched(true))))).toMatchObject({ message: 'the connection is gone' });
	expect(closed).toBe(3);
});

test('whoever stops early leaves nothing that waits', async () => {
	let closed = 0;
	const watched = async function* () {
		try {
			yield* pieces(frame, 50_000);
		} finally {
			closed += 1;
		}
	};
	for await (const chunk of decompressOneFrame(watched())) {
		expect(chunk.length).toBeGreaterThan(0);
		break;
	}
	for await (const chunk of passOneFrame(watched(), reader().read)) {
		expect(chunk.length).toBe(50_000);
		break;
	}
	expect(closed).toBe(2);
});
