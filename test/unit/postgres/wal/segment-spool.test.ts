import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupError } from '../../../../lib/core/errors';
import { SegmentSpool } from '../../../../lib/postgres/wal/segment-spool';
import { until } from '../../../support/until';

describe('SegmentSpool', () => {
	let folder: string;
	beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'segment-spool-'))));
	afterEach(async () => await rm(folder, { recursive: true }));

	it('keeps the bytes of a chunk whose memory is used again, and gives any part of them back', async () => {
		let written = 0;
		const spool = new SegmentSpool(join(folder, 'segment'), (bytes) => (written += bytes), () => undefined);
		const expected: Buffer[] = [];
		const reused = Buffer.alloc(300_001);
		for (let round = 0; round < 17; round++) {
			for (let at = 0; at < reused.length; at++) reused[at] = (at * 31 + round * 7) % 251;
			const chunk = reused.subarray(0, 1 + ((round * 77_777) % reused.length));
			expected.push(Buffer.from(chunk));
			spool.append(chunk);
			if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
		}
		const all = Buffer.concat(expected);
		const read = async (from: number, to: number): Promise<Buffer> => {
			const chunks: Buffer[] = [];
			for await (const chunk of spool.read(from, to)) chunks.push(chunk);
			return Buffer.concat(chunks);
		};
		expect(spool.bytes).toBe(all.length);
		expect((await read(0, all.length)).equals(all)).toBe(true);
		expect((await read(1_048_570, 2_000_003)).equals(all.subarray(1_048_570, 2_000_003))).toBe(true);
		expect(written).toBe(all.length);
		await spool.remove();
	});

	it('says at once that its disk is full, and what to do', async () => {
		await symlink('/dev/full', join(folder, 'segment'));
		const failures: BackupError[] = [];
		const spool = new SegmentSpool(join(folder, 'segment'), () => undefined, (error) => failures.push(error));
		// Enough that some of it is written: nobody reads yet.
		spool.append(Buffer.alloc(1_500_000));
		await until('it says so', () => failures.length > 0, 5, 10);
		expect(failures[0]).toMatchObject({ code: 'NO_SPACE', message: expect.stringContaining('temporary folder is full') });
		await expect(spool.read(0, 1).next()).rejects.toBe(failures[0]);
		await spool.remove();
	});
});
