import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untar } from '../../../lib/postgres/restore/untar';
import { tarFolder, tarHeader } from '../../../lib/postgres/tar-folder';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'backup-recovery-untar-'))));
afterEach(() => rm(folder, { recursive: true }));

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const end = Buffer.alloc(1024);
const file = (name: string, content: string) => {
	const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
	return Buffer.concat([tarHeader(name, content.length), Buffer.from(content), padding]);
};
const unpack = (bytes: Buffer, size = 1000, most = 1e6) => untar(inPieces(bytes, size), folder, most);

/** A header with a changed field and a checksum that fits again. */
function header(change: (block: Buffer) => void, name = 'toc.dat', size = 0): Buffer {
	const block = tarHeader(name, size);
	change(block);
	block.fill(' ', 148, 156);
	block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
	return block;
}

describe('unpacking a directory dump', () => {
	it.each([1, 7, 512, 513, 100_000])('gives back what was packed, in pieces of %i bytes', async (size) => {
		const source = await mkdtemp(join(tmpdir(), 'backup-recovery-tar-'));
		const files = { 'toc.dat': 'x'.repeat(512), '3456.dat': '', 'blob_16400.dat': 'y'.repeat(1300), 'blobs.toc': 'z' };
		for (const [name, content] of Object.entries(files)) await writeFile(join(source, name), content);
		const chunks: Buffer[] = [];
		for await (const chunk of tarFolder(source)) chunks.push(chunk);
		await unpack(Buffer.concat(chunks), size);
		for (const [name, content] of Object.entries(files)) expect(await readFile(join(folder, name), 'utf8')).toBe(content);
		expect((await readdir(folder)).sort()).toEqual(Object.keys(files).sort());
		await rm(source, { recursive: true });
	});

	it.each<[string, Buffer]>([
		['a path out of the folder', file('../evil', 'x')],
		['an absolute path', file('/etc/evil', 'x')],
		['a folder', file('a/b', 'x')],
		['dots', file('..', 'x')],
		['a hidden file', file('.x', 'x')],
		['a symbolic link', header((block) => block.write('2', 156))],
		['a hard link', header((block) => block.write('1', 156))],
		['a directory', header((block) => block.write('5', 156))],
		['a device', header((block) => block.write('3', 156))],
		['an extended header', header((block) => block.write('x', 156))],
		['a prefix', header((block) => block.write('..', 345))],
		['the same file twice', Buffer.concat([file('a', 'x'), file('a', 'y')])],
		['too many bytes', file('a', 'x'.repeat(2_000_000))],
		['a negative size', header((block) => block.write('-0000000001\0', 124))],
		['a size that is no number', header((block) => block.write('99999999999\0', 124))],
		['a huge size', header((block) => block.fill(0xff, 124, 136))],
		['a wrong checksum', Buffer.concat([Buffer.from('b'), file('a', 'x').subarray(1)])],
		['something else', Buffer.alloc(512, 'not a tar')],
	])('refuses %s', async (_what, bytes) => {
		await expect(unpack(Buffer.concat([bytes, end]))).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		expect((await readdir(folder)).filter((name) => name !== 'a')).toEqual([]);
	});

	it('refuses one that is cut off, anywhere', async () => {
		const whole = Buffer.concat([file('a', 'x'.repeat(600)), end]);
		for (const length of [0, 100, 512, 1000, 1112, 1536]) {
			await rm(join(folder, 'a'), { force: true });
			await expect(unpack(whole.subarray(0, length))).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		}
	});

	it('refuses what comes behind its end', async () => {
		await expect(unpack(Buffer.concat([file('a', 'x'), end, file('b', 'x')]))).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' });
	});
});
