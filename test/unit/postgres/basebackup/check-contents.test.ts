import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { ContentCheck } from '../../../../lib/postgres/basebackup/check-contents';
import { ArchiveReceiver } from '../../../../lib/postgres/basebackup/receive-archives';
import { times } from '../../../support/breadth';
import { collect } from '../../../support/bytes';
import { failure } from '../../../support/failure';

const BLOCK = 512;

/** As the server writes it (src/port/tar.c). */
function header(name: string, size: number, type = '0'): Buffer {
	const block = Buffer.alloc(BLOCK);
	block.write(name, 0, 100);
	block.write('0000600\0', 100);
	block.write(`${size.toString(8).padStart(11, '0')} `, 124);
	block.write('        ', 148);
	block.write(type, 156);
	block.write('ustar\x0000', 257);
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return block;
}

function tar(files: Readonly<Record<string, Buffer>>, terminated = true): Buffer {
	const parts = [header('pg_wal/', 0, '5')];
	for (const [name, content] of Object.entries(files)) parts.push(header(name, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
	return Buffer.concat([...parts, Buffer.alloc(terminated ? 2 * BLOCK : 0)]);
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

function manifest(files: Readonly<Record<string, Buffer>>): Buffer {
	const lines = Object.entries(files).map(([Path, content]) => `{ "Path": ${JSON.stringify(Path)}, "Size": ${content.length}, "Last-Modified": "2026-11-22 02:00:00 GMT", "Checksum-Algorithm": "SHA256", "Checksum": "${sha256(content)}" }`);
	const text = `{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 7441234567890123456,\n"Files": [\n${lines.join(',\n')}\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }\n],\n`;
	return Buffer.from(`${text}"Manifest-Checksum": "${sha256(text)}"}\n`);
}

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer, void, void> {
	for (let at = 0, turn = 0; at < bytes.length; turn++) {
		const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? 1000);
		yield bytes.subarray(at, at + size);
		at += size;
	}
}

async function check(archive: Buffer, list: Buffer, sizes: readonly number[] = [1000]): Promise<ContentCheck> {
	const checking = new ContentCheck();
	expect(await collect(checking.archive('base.tar', undefined, inPieces(archive, sizes), true))).toEqual(archive);
	expect(await collect(checking.manifest(inPieces(list, sizes)))).toEqual(list);
	return checking;
}

const FILES = { backup_label: Buffer.from('START WAL LOCATION'), 'base/1/1259': Buffer.alloc(16384, 7), 'base/1/empty': Buffer.alloc(0) };
const SEGMENT = { 'pg_wal/000000010000000000000002': Buffer.alloc(1024 * 1024, 1) };
const SPAN = { timeline: 1, startLsn: '0/200028', endLsn: '0/200100', segmentBytes: 1024 * 1024 };

test('any files in pieces of any size', async () => {
	const files = fc.dictionary(fc.stringMatching(/^base\/[0-9]{1,5}\/[0-9a-z_.]{1,60}$/), fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)), { minKeys: 1, maxKeys: 8 });
	const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 });
	await fc.assert(
		fc.asyncProperty(files, sizes, async (contents, pieces) => {
			await check(tar(contents), manifest(contents), pieces);
		}),
		{ numRuns: times(100, 50, 15) },
	);
});

test('no flipped bit, no missing and no additional file goes unseen', async () => {
	const whole = tar(FILES);
	const list = manifest(FILES);
	await check(whole, list);
	const wrong = (bytes: Buffer, at: number) => {
		const copy = Buffer.from(bytes);
		copy.writeUInt8(copy.readUInt8(at) ^ 4, at);
		return copy;
	};
	const places = [BLOCK * 2 + 3, BLOCK * 4 + 100, BLOCK * 4 + 16_000];
	for (const at of places) expect(await failure(check(wrong(whole, at), list))).toMatchObject({ code: 'PROOF_MISMATCH' });
	for (let at = 50; at < list.length; at += 37) expect(await failure(check(whole, wrong(list, at)))).toMatchObject({ code: 'PROOF_MISMATCH' });
	expect(await failure(check(tar({ ...FILES, extra: Buffer.from('x') }), list))).toMatchObject({ message: expect.stringContaining('"extra"') });
	const { backup_label: _label, ...fewer } = FILES;
	expect(await failure(check(tar(fewer), list))).toMatchObject({ message: expect.stringContaining('"backup_label"') });
	for (const bytes of [whole.subarray(0, -BLOCK), whole.subarray(0, BLOCK * 3 + 5), Buffer.concat([whole, Buffer.from('x'.repeat(BLOCK))])]) {
		expect(await failure(check(bytes, list))).toMatchObject({ code: 'PROOF_MISMATCH' });
	}
	expect(await failure(check(whole, list.subarray(0, -5)))).toMatchObject({ code: 'PROOF_MISMATCH' });
});

test('the WAL that makes it consistent must be inside', async () => {
	expect((await check(tar({ ...FILES, ...SEGMENT }), manifest(FILES))).finish(SPAN)).toMatchObject({ files: 3, bytes: 16402, systemIdentifier: '7441234567890123456' });
	const without = await check(tar(FILES), manifest(FILES));
	expect(() => without.finish(SPAN)).toThrow('000000010000000000000002');
	const short = await check(tar({ ...FILES, 'pg_wal/000000010000000000000002': Buffer.alloc(1000) }), manifest(FILES));
	expect(() => short.finish(SPAN)).toThrow('has 1000 bytes');
});

test('archives of old servers get their end mark', async () => {
	const checking = new ContentCheck();
	const stored = await collect(checking.archive('base.tar', undefined, inPieces(tar(FILES, false), [777]), false));
	expect(stored).toEqual(tar(FILES));
});

test('a name of an archive that is a path is refused', () => {
	const receiver = new ArchiveReceiver(15, { pause: () => undefined, resume: () => undefined });
	receiver.rows({ fields: ['recptr', 'tli'], rows: [['0/2000028', '1']] });
	receiver.rows({ fields: ['spcoid', 'spclocation', 'size'], rows: [[null, null, '10']] });
	for (const name of ['../base.tar', '/etc/passwd', 'base.tar/x', '']) expect(() => receiver.piece(Buffer.from(`n${name}\0\0`), true, true)).toThrow('does not know');
});
