import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { WriteBehind } from '../../../../lib/postgres/recovery/write-behind';

describe('WriteBehind', () => {
	let folder: string;
	beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'write-behind-'))));
	afterEach(async () => await rm(folder, { recursive: true }));

	it('writes every byte of several files to its place, and closes them', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(fc.uint8Array({ maxLength: 4000 }), { maxLength: 8 }), { minLength: 1, maxLength: 5 }), async (files) => {
				const behind = new WriteBehind();
				const opened = files.map((_chunks, index) => openSync(join(folder, String(index)), 'w'));
				for (const [index, chunks] of files.entries()) {
					const fd = opened[index] ?? -1;
					let position = 0;
					for (const chunk of chunks) {
						behind.write(fd, chunk, position);
						position += chunk.length;
						await behind.room();
					}
					// One of them is left for the end.
					if (index > 0) behind.end(fd);
				}
				await behind.settled();
				for (const [index, chunks] of files.entries()) expect(await readFile(join(folder, String(index)))).toEqual(Buffer.concat(chunks));
				const [first] = files;
				if (first && first.length > 0) expect(() => fstatSync(opened[0] ?? -1)).toThrow('EBADF');
				else closeSync(opened[0] ?? -1);
			}),
			{ numRuns: 30 },
		);
	});

	it('says what a write failed with, both to who asks for room and at the end', async () => {
		const behind = new WriteBehind();
		const fd = openSync('/dev/full', 'w');
		behind.write(fd, Buffer.alloc(9 * 1024 * 1024), 0);
		await expect(behind.room()).rejects.toMatchObject({ code: 'ENOSPC' });
		behind.end(fd);
		await expect(behind.settled()).rejects.toMatchObject({ code: 'ENOSPC' });
		expect(() => fstatSync(fd)).toThrow('EBADF');
	});
});
