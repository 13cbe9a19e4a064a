import { ByteQueue } from '../pipeline/byte-queue';
import type { BytePath } from './byte-path';
import { nanoseconds } from './file-time';
import { padding, TAR_BLOCK, type TarMember, type UstarFields } from './tar-header';

/** Bytes that are not an archive as this package writes it. `message` completes "… is refused: ". */
export class TarRefusedError extends Error {
	override readonly name = 'TarRefusedError';
}

/** A member with its content, which must be read, or skipped by going on, before the next member is asked for. */
export interface TarEntry extends Omit<TarMember, 'path'> {
	/** As it stands in the archive: `./a/b`. Not checked. */
	readonly name: BytePath;
	content(): AsyncGenerator<Buffer, void, void>;
}

/** Long names are the largest thing in a pax header; a forged one must not exhaust memory. */
const MOST_PAX_BYTES = 64 * 1024;
const CHUNK = 256 * 1024;
const TYPES: Readonly<Record<string, TarMember['type']>> = { '0': 'file', '1': 'hardlink', '2': 'symlink', '5': 'directory' };
const OTHER_TYPES: Readonly<Record<string, string>> = { '3': 'a character device', '4': 'a block device', '6': 'a named pipe', '7': 'a contiguous file', g: 'a global header', S: 'a GNU sparse file', L: 'a GNU long name', K: 'a GNU long link' };

/**
 * Reads a tar archive as a stream. Names are handed on as they are: whoever writes must check them.
 * @throws TarRefusedError for anything that this package does not write: devices, pipes, unknown types, wrong checksums, a cut end
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
	const queue = new ByteQueue(source);
	try {
		for (;;) {
			const header = await block(queue);
			if (header.every((byte) => byte === 0)) break;
			let fields = readUstar(header);
			let pax: ReadonlyMap<string, string> = new Map();
			if (fields.typeFlag === 'x') {
				pax = await readPax(queue, fields.size);
				fields = readUstar(await block(queue));
			}
			const entry = combine(fields, pax);
			let left = entry.size;
			const content = async function* (): AsyncGenerator<Buffer, void, void> {
				while (left > 0) {
					const available = Math.min(left, CHUNK, await queue.ensure(1));
					if (available === 0) throw cut();
					left -= available;
					yield queue.take(available);
				}
			};
			yield { ...entry, content };
			const rest = left + padding(entry.size);
			if (rest > 0 && (await queue.skip(rest)) < rest) throw cut();
		}
		await onlyZerosFollow(queue);
	} finally {
		await queue.close();
	}
}

async function block(queue: ByteQueue): Promise<Buffer> {
	if ((await queue.ensure(TAR_BLOCK)) < TAR_BLOCK) throw cut();
	return queue.take(TAR_BLOCK);
}

async function onlyZerosFollow(queue: ByteQueue): Promise<void> {
	for (let bytes = await queue.ensure(1); bytes > 0; bytes = await queue.ensure(1)) {
		if (!queue.take(bytes).every((byte) => byte === 0)) throw new TarRefusedError('there is something behind its end');
	}
}

function readUstar(header: Buffer): UstarFields {
	const text = (at: number, length: number) => {
		const field = header.toString('latin1', at, at + length);
		const end = field.indexOf('\0');
		return end < 0 ? field : field.slice(0, end);
	};
	const name = text(0, 100);
	const number = (at: number, length: number, what: string) => {
		const digits = text(at, length).trim();
		if (!/^[0-7]*$/.test(digits)) throw new TarRefusedError(`the ${what} of ${JSON.stringify(name)} cannot be read`);
		return digits === '' ? 0 : parseInt(digits, 8);
	};
	if (text(257, 5) !== 'ustar') throw new TarRefusedError('it is not in ustar format');
	if (number(148, 8, 'checksum') !== checksum(header)) throw new TarRefusedError('a header has a wrong checksum');
	const prefix = text(345, 155);
	return {
		name: prefix === '' ? name : `${prefix}/${name}`,
		typeFlag: text(156, 1) || '0',
		target: text(157, 100),
		mode: number(100, 8, 'mode'),
		uid: number(108, 8, 'owner'),
		gid: number(116, 8, 'group'),
		size: number(124, 12, 'size'),
		mtime: number(136, 12, 'time'),
		user: text(265, 32),
		group: text(297, 32),
	};
}

function checksum(header: Buffer): number {
	let sum = 0;
	for (let at = 0; at < TAR_BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : (header[at] as number);
	return sum;
}

async function readPax(queue: ByteQueue, size: number): Promise<Map<string, string>> {
	if (size > MOST_PAX_BYTES) throw new TarRefusedError(`a header claims ${size} bytes`);
	const padded = size + padding(size);
	if ((await queue.ensure(padded)) < padded) throw cut();
	const body = queue.take(padded).toString('latin1', 0, size);
	const records = new Map<string, string>();
	for (let at = 0; at < body.length; ) {
		const space = body.indexOf(' ', at);
		const digits = body.slice(at, space < 0 ? at : space);
		const end = at + (/^\d{1,6}$/.test(digits) ? Number(digits) : 0);
		const equals = body.indexOf('=', space);
		if (space < 0 || end <= space || end > body.length || equals < 0 || equals >= end || body[end - 1] !== '\n') throw new TarRefusedError('a pax header cannot be read');
		records.set(body.slice(space + 1, equals), body.slice(equals + 1, end - 1));
		at = end;
	}
	return records;
}

function combine(fields: UstarFields, pax: ReadonlyMap<string, string>): Omit<TarEntry, 'content'> {
	const name = pax.get('path') ?? fields.name;
	const type = TYPES[fields.typeFlag];
	const shown = JSON.stringify(Buffer.from(name.slice(0, 300), 'latin1').toString('utf8'));
	if (type === undefined) throw new TarRefusedError(`it holds ${shown}, which is ${OTHER_TYPES[fields.typeFlag] ?? `of the unknown type ${JSON.stringify(fields.typeFlag)}`}`);
	const number = (key: string, otherwise: number) => {
		const value = pax.get(key);
		if (value === undefined) return otherwise;
		if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(Number(value))) throw new TarRefusedError(`the ${key} of ${shown} cannot be read`);
		return Number(value);
	};
	const mtime = pax.get('mtime') ?? String(fields.mtime);
	if (nanoseconds(mtime) === undefined) throw new TarRefusedError(`the time of ${shown} cannot be read`);
	const target = pax.get('linkpath') ?? fields.target;
	const size = number('size', fields.size);
	if (type !== 'file' && size !== 0) throw new TarRefusedError(`${shown} has a content although it is a ${type}`);
	const user = pax.get('uname') ?? fields.user;
	const group = pax.get('gname') ?? fields.group;
	return {
		type,
		name,
		size,
		mode: fields.mode & 0o7777,
		uid: number('uid', fields.uid),
		gid: number('gid', fields.gid),
		mtime,
		...(user !== '' && { user }),
		...(group !== '' && { group }),
		...((type === 'symlink' || type === 'hardlink') && { target }),
	};
}

function cut(): TarRefusedError {
	return new TarRefusedError('it ends in the middle');
}
