import { type BytePath, bytePath, comparePaths, isText, parentPath, pathProblem, pathText, quotePath } from './byte-path';
import { nanoseconds } from './file-time';

interface CommonFields {
	readonly path: BytePath;
	/** Permission bits, at most 0o7777. */
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly user?: string;
	readonly group?: string;
	/** Decimal seconds to the nanosecond. */
	readonly mtime: string;
	readonly ctime: string;
	/** Device and inode on the machine that was backed up; decimal. */
	readonly dev: string;
	readonly ino: string;
	readonly nlink: number;
}

export interface FolderEntry extends CommonFields {
	readonly type: 'directory';
}

export interface FileEntry extends CommonFields {
	readonly type: 'file';
	readonly size: number;
	readonly sha256: string;
	/** The id of the backup whose archive holds the content. */
	readonly in: string;
	/** How often the archive holds it, one after the other, because it changed while it was read; the last one counts. Left out: once. */
	readonly copies?: number;
	/** It still changed during the last attempt: its bytes are from more than one moment. */
	readonly inconsistent?: true;
	/** It had holes. */
	readonly sparse?: true;
	/** It changed so shortly before it was read that a change within the same tick of the clock would not show. */
	readonly recent?: true;
}

export interface SymlinkEntry extends CommonFields {
	readonly type: 'symlink';
	readonly target: BytePath;
}

/** A further name of a file that the index has under `target`, an earlier path. */
export interface HardlinkEntry extends CommonFields {
	readonly type: 'hardlink';
	readonly size: number;
	readonly target: BytePath;
}

/** One thing in the archived folder. */
export type IndexEntry = FolderEntry | FileEntry | SymlinkEntry | HardlinkEntry;

/** Why something in the folder is not in the backup. */
export const LEFT_OUT_REASONS = ['vanished', 'unreadable', 'socket', 'pipe', 'device', 'other filesystem'] as const;
export type LeftOutReason = (typeof LEFT_OUT_REASONS)[number];

/** Something that the folder held and the backup does not. */
export interface LeftOut {
	readonly path: BytePath;
	readonly type: 'leftOut';
	readonly reason: LeftOutReason;
}

export const INDEX_FORMAT = 'backup-recovery-files';
export const INDEX_VERSION = 1;

/** The first line of an index. */
export function indexHeader(): string {
	return JSON.stringify({ format: INDEX_FORMAT, version: INDEX_VERSION });
}

/** One line of an index, without the line's end. A text that is not UTF-8 stands in base64 under `<key>Bytes`. */
export function encodeEntry(entry: IndexEntry | LeftOut): string {
	if (entry.type === 'leftOut') return JSON.stringify({ ...texts('path', shownPath(entry.path)), type: entry.type, reason: entry.reason });
	const { path, type, mode, uid, gid, user, group, mtime, ctime, dev, ino, nlink, ...rest } = entry;
	const target = 'target' in entry ? texts('target', entry.target) : {};
	return JSON.stringify({
		...texts('path', shownPath(path)),
		type,
		...rest,
		...target,
		mode: mode.toString(8).padStart(4, '0'),
		uid,
		gid,
		user,
		group,
		mtime,
		ctime,
		dev,
		ino,
		nlink,
	});
}

function shownPath(path: BytePath): BytePath {
	return path === '' ? '.' : path;
}

function texts(key: 'path' | 'target', value: BytePath): Record<string, string | undefined> {
	// `key: undefined` removes the byte form that came along in `rest`.
	return isText(value) ? { [key]: pathText(value) } : { [key]: undefined, [`${key}Bytes`]: Buffer.from(value, 'latin1').toString('base64') };
}

/** An index that cannot be believed. `message` completes "… is refused: ". */
export class IndexRefusedError extends Error {
	override readonly name = 'IndexRefusedError';
}

/** @throws IndexRefusedError for a line that is not of this form, naming the entry */
export function decodeEntry(line: string): IndexEntry | LeftOut {
	const data = parse(line);
	const shown = bytesOf(data, 'path', line);
	const path = shown === '.' ? '' : shown;
	const problem = pathProblem(path);
	if (problem !== undefined) throw new IndexRefusedError(`it names ${quotePath(path.slice(0, 300))}: ${problem}`);
	const fail = (what: string): never => {
		throw new IndexRefusedError(`the ${what} of ${quotePath(path)} cannot be read`);
	};
	const whole = (key: string, most = Number.MAX_SAFE_INTEGER): number => {
		const value = data[key];
		return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most ? value : fail(key);
	};
	const text = (key: string, form: RegExp): string => {
		const value = data[key];
		return typeof value === 'string' && form.test(value) ? value : fail(key);
	};
	const optional = (key: string): string | undefined => (data[key] === undefined ? undefined : text(key, /^[^\0\n]{1,256}$/));
	const time = (key: string): string => {
		const value = text(key, /./);
		return nanoseconds(value) === undefined ? fail(key) : value;
	};
	if (data.type === 'leftOut') {
		const reason = LEFT_OUT_REASONS.find((known) => known === data.reason);
		return { path, type: 'leftOut', reason: reason ?? fail('reason') };
	}
	const user = optional('user');
	const group = optional('group');
	const common = {
		path,
		mode: parseInt(text('mode', /^[0-7]{4,5}$/), 8) & 0o7777,
		uid: whole('uid'),
		gid: whole('gid'),
		...(user !== undefined && { user }),
		...(group !== undefined && { group }),
		mtime: time('mtime'),
		ctime: time('ctime'),
		dev: text('dev', /^\d{1,20}$/),
		ino: text('ino', /^\d{1,20}$/),
		nlink: whole('nlink'),
	};
	switch (data.type) {
		case 'directory':
			return { ...common, type: 'directory' };
		case 'file':
			return {
				...common,
				type: 'file',
				size: whole('size'),
				sha256: text('sha256', /^[0-9a-f]{64}$/),
				in: text('in', /^[0-9A-Za-z-]{1,64}$/),
				...(data.copies !== undefined && { copies: whole('copies', 1000) || fail('copies') }),
				...(data.inconsistent === true && { inconsistent: true as const }),
				...(data.sparse === true && { sparse: true as const }),
				...(data.recent === true && { recent: true as const }),
			};
		case 'symlink': {
			const target = bytesOf(data, 'target', line);
			if (target === '' || target.includes('\0') || target.length > 4096) fail('target');
			return { ...common, type: 'symlink', target };
		}
		case 'hardlink': {
			const target = bytesOf(data, 'target', line);
			const wrong = target === '' ? 'it points to the folder itself' : pathProblem(target);
			if (wrong !== undefined) throw new IndexRefusedError(`the hard link ${quotePath(path)} leads to ${quotePath(target.slice(0, 300))}: ${wrong}`);
			return { ...common, type: 'hardlink', size: whole('size'), target };
		}
		default:
			throw new IndexRefusedError(`${quotePath(path)} is of the type ${JSON.stringify(data.type)?.slice(0, 60)}, which is not restored`);
	}
}

type Fields = Readonly<Record<string, unknown>>;

function parse(line: string): Fields {
	try {
		const data: unknown = JSON.parse(line);
		if (typeof data === 'object' && data !== null) return data as Fields;
	} catch (error) {
		throw new IndexRefusedError(`the line ${JSON.stringify(line.slice(0, 100))} is not JSON`, { cause: error });
	}
	throw new IndexRefusedError(`the line ${JSON.stringify(line.slice(0, 100))} is no entry`);
}

function bytesOf(data: Fields, key: 'path' | 'target', line: string): BytePath {
	const text = data[key];
	if (typeof text === 'string') return bytePath(text);
	const bytes = data[`${key}Bytes`];
	if (typeof bytes === 'string') return Buffer.from(bytes, 'base64').toString('latin1');
	throw new IndexRefusedError(`the line ${JSON.stringify(line.slice(0, 100))} has no ${key}`);
}

/**
 * Checks that the entries of an index, in their order, describe a tree and nothing else: strictly ascending, so that no name comes
 * twice; each in a folder that the index has, so that nothing can be reached through a link; hard links only to files of the index.
 */
export class TreeCheck {
	private last: BytePath | undefined;
	private readonly folders: BytePath[] = [];
	/** Files that may have further names; those are few. */
	private readonly linkable = new Set<BytePath>();

	/** @throws IndexRefusedError */
	accept(entry: IndexEntry | LeftOut): void {
		const { path } = entry;
		if (entry.type === 'leftOut') return;
		const name = quotePath(path);
		if (this.last === undefined && (path !== '' || entry.type !== 'directory')) throw new IndexRefusedError(`it begins with ${name} instead of the folder itself`);
		if (this.last !== undefined) {
			const order = comparePaths(this.last, path);
			if (order === 0) throw new IndexRefusedError(`it names ${name} twice`);
			if (order > 0) throw new IndexRefusedError(`${name} is not where it should be in the order of names`);
		}
		this.last = path;
		if (path !== '') {
			const parent = parentPath(path);
			while (this.folders.length > 1 && this.folders.at(-1) !== parent) this.folders.pop();
			if (this.folders.at(-1) !== parent) throw new IndexRefusedError(`${name} lies in ${quotePath(parent)}, which is not a folder of this backup`);
		}
		if (entry.type === 'directory') this.folders.push(path);
		if (entry.type === 'file' && entry.nlink > 1) this.linkable.add(path);
		if (entry.type === 'hardlink' && !this.linkable.has(entry.target)) {
			throw new IndexRefusedError(`the hard link ${name} leads to ${quotePath(entry.target)}, which is not a file of this backup`);
		}
	}
}
