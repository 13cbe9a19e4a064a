import { type BytePath, isText } from './byte-path';
import { nanoseconds } from './file-time';

/** One member of an archive, as written and as read. Texts are bytes, one character each. */
export interface TarMember {
	readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
	/** Relative to the archived folder. */
	readonly path: BytePath;
	/** Bytes of content that follow; 0 for all but files. */
	readonly size: number;
	/** Permission bits, at most 0o7777. */
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly user?: string;
	readonly group?: string;
	/** Decimal seconds. */
	readonly mtime: string;
	/** Of links: for a symbolic one the text, for a hard one the path in the archive. */
	readonly target?: BytePath;
}

export const TAR_BLOCK = 512;

const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
/** The largest numbers that the octal fields of 12 and 8 bytes hold. */
const MAX_OCTAL_12 = 0o77777777777;
const MAX_OCTAL_8 = 0o7777777;

/** How a path stands in the archive: below `./`, so that no name can look like an option or an absolute path; folders end in a slash. */
export function memberName({ type, path }: Pick<TarMember, 'type' | 'path'>): BytePath {
	return path === '' ? './' : `./${path}${type === 'directory' ? '/' : ''}`;
}

/**
 * The header blocks of a member: ustar, with a pax header in front where a value does not fit into it
 * (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13): long or non-ASCII names, fractions of a second,
 * sizes from 8 GiB, large user numbers. Names that are not UTF-8 are marked `hdrcharset=BINARY`.
 */
export function encodeTarHeader(member: TarMember): Buffer {
	const name = memberName(member);
	const target = member.target === undefined ? '' : member.type === 'hardlink' ? `./${member.target}` : member.target;
	const records = paxRecords(member, name, target);
	const seconds = Number((nanoseconds(member.mtime) ?? 0n) / 1_000_000_000n);
	const header = ustar({
		name,
		target,
		typeFlag: TYPE_FLAGS[member.type],
		mode: member.mode,
		uid: member.uid,
		gid: member.gid,
		size: member.size,
		mtime: seconds,
		user: member.user ?? '',
		group: member.group ?? '',
	});
	if (records.length === 0) return header;
	const body = Buffer.from(records.join(''), 'latin1');
	const pax = ustar({ name: './PaxHeaders/member', target: '', typeFlag: 'x', mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0, user: '', group: '' });
	return Buffer.concat([pax, body, Buffer.alloc(padding(body.length)), header]);
}

/** Zero bytes that fill the last block of a content. */
export function padding(size: number): number {
	return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/** Two blocks of zeros end an archive. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK);

function paxRecords(member: TarMember, name: BytePath, target: BytePath): string[] {
	const records: string[] = [];
	const add = (key: string, value: string) => records.push(paxRecord(key, value));
	const plain = (text: string, most: number) => text.length <= most && !/[^\x20-\x7e]/.test(text);
	if (!isText(name) || !isText(target)) add('hdrcharset', 'BINARY');
	if (!plain(name, 100)) add('path', name);
	if (!plain(target, 100)) add('linkpath', target);
	if (member.size > MAX_OCTAL_12) add('size', String(member.size));
	if (member.uid > MAX_OCTAL_8) add('uid', String(member.uid));
	if (member.gid > MAX_OCTAL_8) add('gid', String(member.gid));
	if (!/^\d{1,10}$/.test(member.mtime)) add('mtime', member.mtime);
	if (member.user !== undefined && !plain(member.user, 31)) add('uname', member.user);
	if (member.group !== undefined && !plain(member.group, 31)) add('gname', member.group);
	return records;
}

/** `length key=value\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: string): string {
	const rest = ` ${key}=${value}\n`;
	let length = rest.length + 1;
	while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
	return `${length}${rest}`;
}

/** The fields of a ustar header, as they stand in it. */
export interface UstarFields {
	readonly name: string;
	readonly target: string;
	readonly typeFlag: string;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtime: number;
	readonly user: string;
	readonly group: string;
}

function ustar(fields: UstarFields): Buffer {
	const block = Buffer.alloc(TAR_BLOCK);
	const text = (value: string, at: number, length: number) => block.write(value.slice(0, length), at, 'latin1');
	const octal = (value: number, at: number, length: number) => {
		const most = length === 12 ? MAX_OCTAL_12 : MAX_OCTAL_8;
		text(Math.max(0, Math.min(most, value)).toString(8).padStart(length - 1, '0'), at, length - 1);
	};
	text(fields.name, 0, 100);
	octal(fields.mode, 100, 8);
	octal(fields.uid, 108, 8);
	octal(fields.gid, 116, 8);
	octal(fields.size, 124, 12);
	octal(fields.mtime, 136, 12);
	text('        ', 148, 8);
	text(fields.typeFlag, 156, 1);
	text(fields.target, 157, 100);
	text('ustar\u000000', 257, 8);
	text(fields.user, 265, 31);
	text(fields.group, 297, 31);
	octal(0, 329, 8);
	octal(0, 337, 8);
	let sum = 0;
	for (const byte of block) sum += byte;
	text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
	return block;
}
