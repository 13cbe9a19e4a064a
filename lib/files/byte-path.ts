import { isUtf8 } from 'node:buffer';

/**
 * A path inside the archived folder as its bytes, one character a byte (latin1): file names on Linux are bytes, not text. Parts are
 * separated by single slashes, with none at either end; the folder itself is `''`.
 */
export type BytePath = string;

const SLASH = 0x2f;
const NOT_ASCII = /[^\x00-\x7f]/;

/** The bytes of `text` in UTF-8. */
export function bytePath(text: string): BytePath {
	return NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The text of a path for people and patterns; bytes that are not UTF-8 become the replacement character. */
export function pathText(path: BytePath): string {
	return NOT_ASCII.test(path) ? Buffer.from(path, 'latin1').toString('utf8') : path;
}

/** Whether `pathText` loses nothing. */
export function isText(path: BytePath): boolean {
	return !NOT_ASCII.test(path) || isUtf8(Buffer.from(path, 'latin1'));
}

/** What `node:fs` takes: text where that is the same, else the bytes. */
export function fsPath(folder: BytePath, path: BytePath): string | Buffer {
	const full = path === '' ? folder : `${folder}/${path}`;
	return NOT_ASCII.test(full) ? Buffer.from(full, 'latin1') : full;
}

/** For messages: quoted, so that control characters in hostile names cannot steer a terminal or forge a second line. */
export function quotePath(path: BytePath): string {
	return JSON.stringify(path === '' ? '.' : pathText(path)).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped);
}

function escaped(character: string): string {
	return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * The order of archives and indexes: a folder directly before what is in it, names by their bytes. A slash sorts before every
 * other byte, so that `a/b` precedes `a-b` and a depth-first walk yields exactly this order.
 */
export function comparePaths(a: BytePath, b: BytePath): number {
	const shared = Math.min(a.length, b.length);
	for (let at = 0; at < shared; at++) {
		const x = a.charCodeAt(at);
		const y = b.charCodeAt(at);
		if (x !== y) return (x === SLASH ? 0 : x) - (y === SLASH ? 0 : y);
	}
	return a.length - b.length;
}

/** The folder that holds `path`; `''` for what lies directly in the root. */
export function parentPath(path: BytePath): BytePath {
	const slash = path.lastIndexOf('/');
	return slash < 0 ? '' : path.slice(0, slash);
}

export function joinPath(folder: BytePath, name: BytePath): BytePath {
	return folder === '' ? name : `${folder}/${name}`;
}

/** Whether `path` lies below `folder`. */
export function isBelow(path: BytePath, folder: BytePath): boolean {
	return folder === '' ? path !== '' : path.startsWith(`${folder}/`);
}

/** Linux's PATH_MAX; a longer one cannot be opened. */
const LONGEST_PATH = 4096;
const LONGEST_NAME = 255;

/**
 * What is wrong with a path that came out of an archive or an index, or `undefined` when it names something inside the folder.
 * The one guard for all names that are not ours.
 */
export function pathProblem(path: BytePath): string | undefined {
	if (path === '') return undefined;
	if (path.length > LONGEST_PATH) return 'its path is longer than 4096 bytes';
	if (path.includes('\0')) return 'its name holds a NUL byte';
	if (path.startsWith('/')) return 'its path is absolute';
	for (const part of path.split('/')) {
		if (part === '..') return 'its path leads out of the folder';
		if (part === '' || part === '.') return 'its path is not in plain form';
		if (part.length > LONGEST_NAME) return 'a part of its path is longer than 255 bytes';
	}
	return process.platform === 'win32' && path.includes('\\') ? 'its name holds a backslash' : undefined;
}
