import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../core/errors';

const BLOCK = 512;
/** What `pg_dump` names the files of its directory format: `toc.dat`, `3456.dat`, `blobs.toc`, `blob_16400.dat`. */
const PLAIN_NAME = /^[0-9A-Za-z_][0-9A-Za-z._]{0,99}$/;

/**
 * Unpacks a ustar archive (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06) that holds nothing but
 * plain files with plain names into an existing folder. Whatever else it may hold is refused, before anything is written for it.
 * @param mostBytes files may not be larger than this together
 * @throws BackupError `ARTIFACT_DAMAGED` for an archive that is not one of ours; `NO_SPACE`
 */
export async function untar(source: AsyncIterable<Buffer>, folder: string, mostBytes: number): Promise<string[]> {
	const reader = new BlockReader(source);
	const names = new Set<string>();
	let total = 0;
	for (;;) {
		const header = await reader.exactly(BLOCK);
		if (header.every((byte) => byte === 0)) break;
		const { name, size } = readHeader(header);
		total += size;
		if (total > mostBytes) throw damaged(`its files are larger than the ${mostBytes} bytes that were backed up`);
		if (names.has(name)) throw damaged(`it holds "${name}" twice`);
		names.add(name);
		await writeEntry(reader, join(folder, name), size);
	}
	for await (const chunk of reader.rest()) if (!chunk.every((byte) => byte === 0)) throw damaged('there is something behind its end');
	return [...names];
}

async function writeEntry(reader: BlockReader, path: string, size: number): Promise<void> {
	const file = await open(path, 'wx', 0o600);
	try {
		for await (const chunk of reader.take(size)) await file.writeFile(chunk);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
		throw new BackupError('NO_SPACE', 'The temporary folder is full.', 'Make room there, or set BACKUP_RECOVERY_TEMP to a folder on a larger disk.', { cause: error });
	} finally {
		await file.close();
	}
	const padding = (BLOCK - (size % BLOCK)) % BLOCK;
	if (padding > 0) await reader.exactly(padding);
}

function readHeader(header: Buffer): { name: string; size: number } {
	const text = (start: number, length: number) => header.toString('latin1', start, start + length).replace(/\0.*$/s, '');
	if (text(257, 5) !== 'ustar') throw damaged('it is not in ustar format');
	if (checksum(header) !== parseInt(text(148, 8).trim(), 8)) throw damaged('a header has a wrong checksum');
	const type = text(156, 1);
	const name = text(0, 100);
	if (type !== '0' && type !== '') throw damaged(`it holds "${name.slice(0, 100)}", which is not a plain file`);
	if (text(345, 155) !== '' || !PLAIN_NAME.test(name) || name.includes('..')) throw damaged(`it holds a file with a name that pg_dump does not give (${JSON.stringify(name)})`);
	const size = readSize(header);
	if (!Number.isSafeInteger(size) || size < 0) throw damaged(`the size of "${name}" cannot be read`);
	return { name, size };
}

/** Octal digits, or for files of 8 GiB and more the base-256 form that GNU tar and others share. */
function readSize(header: Buffer): number {
	const field = header.subarray(124, 136);
	if (((field[0] as number) & 0x80) === 0) {
		const digits = field.toString('latin1').replace(/[\0 ]+$/, '');
		return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number.NaN;
	}
	const value = BigInt(`0x${field.toString('hex')}`) & ((1n << 95n) - 1n);
	return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.NaN : Number(value);
}

function checksum(header: Buffer): number {
	let sum = 0;
	for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
	return sum;
}

/** Hands out a byte stream in pieces of asked-for lengths. */
class BlockReader {
	private readonly iterator: AsyncIterator<Buffer>;
	private left: Buffer = Buffer.alloc(0);

	constructor(source: AsyncIterable<Buffer>) {
		this.iterator = source[Symbol.asyncIterator]();
	}

	async exactly(bytes: number): Promise<Buffer> {
		const parts: Buffer[] = [];
		for await (const part of this.take(bytes)) parts.push(part);
		return Buffer.concat(parts);
	}

	async *take(bytes: number): AsyncGenerator<Buffer, void, void> {
		for (let missing = bytes; missing > 0; ) {
			if (this.left.length === 0) {
				const step = await this.iterator.next();
				if (step.done) throw damaged('it ends in the middle');
				this.left = step.value;
			}
			const part = this.left.subarray(0, missing);
			this.left = this.left.subarray(part.length);
			missing -= part.length;
			yield part;
		}
	}

	async *rest(): AsyncGenerator<Buffer, void, void> {
		if (this.left.length > 0) yield this.left;
		for (;;) {
			const step = await this.iterator.next();
			if (step.done) return;
			yield step.value;
		}
	}
}

function damaged(why: string): BackupError {
	return new BackupError('ARTIFACT_DAMAGED', `The archive of the dump is not one that this package writes: ${why}.`, 'Do not restore from it. Use another backup.');
}
