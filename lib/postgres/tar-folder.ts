import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK = 512;
/** The largest size that eleven octal digits hold is just below 8 GiB. */
const MOST_OCTAL = 8 ** 11;

/**
 * Yields a folder of plain files as a ustar archive: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 * Files of 8 GiB and more have their size in the base-256 form that GNU tar, bsdtar and busybox read. Owners and times are left
 * out, so that equal files give equal archives. The folder must not change meanwhile.
 */
export async function* tarFolder(folder: string): AsyncGenerator<Buffer, void, void> {
	for (const name of (await readdir(folder)).sort()) {
		const path = join(folder, name);
		const { size } = await stat(path);
		yield tarHeader(name, size);
		let sent = 0;
		for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
			sent += (chunk as Buffer).length;
			yield chunk as Buffer;
		}
		if (sent !== size) throw new Error(`${name} changed while it was being archived`);
		const padding = (BLOCK - (size % BLOCK)) % BLOCK;
		if (padding > 0) yield Buffer.alloc(padding);
	}
	yield Buffer.alloc(2 * BLOCK);
}

/** The header block of one plain file with mode 0600. */
export function tarHeader(name: string, size: number): Buffer {
	if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long a name for the archive`);
	const header = Buffer.alloc(BLOCK);
	header.write(name, 0, 'utf8');
	header.write('0000600\0', 100);
	header.write('0000000\0', 108);
	header.write('0000000\0', 116);
	if (size < MOST_OCTAL) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
	else {
		header.writeUInt8(0x80, 124);
		header.writeBigUInt64BE(BigInt(size), 128);
	}
	header.write('00000000000\0', 136);
	header.write('        ', 148);
	header.write('0', 156);
	header.write('ustar\x0000', 257, 'latin1');
	header.write(
		`${header
			.reduce((sum, byte) => sum + byte, 0)
			.toString(8)
			.padStart(6, '0')}\0 `,
		148,
	);
	return header;
}
