import { createHash } from 'node:crypto';
import { type BigIntStats, close, closeSync, constants, fstatSync, open, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { pause } from '../core/abortable';
import { throwIfAborted } from '../core/errors';
import { type BytePath, fsPath } from './byte-path';
import { Pace } from './pace';

/** Files up to this size are read as a whole, several at once. */
export const SMALL_FILE = 512 * 1024;
const CHUNK = 1024 * 1024;
const RETRY_PAUSE_MS = 50;

const fsOpen = promisify(open) as (path: string | Buffer, flags: number) => Promise<number>;
const fsClose = promisify(close);
const pace = new Pace();

/** The files of a folder; tests put their own in between, to change files while they are read. */
export interface FileSource {
	open(folder: BytePath, path: BytePath): Promise<OpenFile>;
}

export interface OpenFile {
	stat(): Promise<BigIntStats>;
	/** @returns the bytes read into the front of `buffer`; 0 at the end */
	read(buffer: Buffer, position: number): Promise<number>;
	close(): Promise<void>;
}

/** Follows no link, and does not wait at a pipe that took the file's place. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export const realFiles: FileSource = {
	open: async (folder, path) => {
		const place = fsPath(folder, path);
		const slow = pace.slow();
		const fd = slow ? await fsOpen(place, READ_FLAGS) : pace.direct(() => openSync(place, READ_FLAGS));
		return {
			// What is open answers from memory.
			stat: async () => fstatSync(fd, { bigint: true }),
			read: async (buffer, position) => (slow || buffer.length > DIRECT_READ ? await pooledRead(fd, buffer, position) : pace.direct(() => readSync(fd, buffer, 0, buffer.length, position))),
			close: async () => (slow ? await fsClose(fd) : closeSync(fd)),
		};
	},
};

/** Larger reads gain from running beside other work. */
const DIRECT_READ = 64 * 1024;

async function pooledRead(fd: number, buffer: Buffer, position: number): Promise<number> {
	return await new Promise<number>((resolve, reject) => read(fd, buffer, 0, buffer.length, position, (error, bytes) => (error ? reject(error) : resolve(bytes))));
}

/** The file is not what was found there before: it became something else. */
export class NoLongerAFileError extends Error {
	override readonly name = 'NoLongerAFileError';
	readonly code = 'ENOENT';
}

/** Opens a file of the folder. @throws NoLongerAFileError */
export async function openRegular(source: FileSource, folder: BytePath, path: BytePath): Promise<{ file: OpenFile; stats: BigIntStats }> {
	const file = await source.open(folder, path);
	try {
		const stats = await file.stat();
		if (!stats.isFile()) throw new NoLongerAFileError('it is no longer a file');
		return { file, stats };
	} catch (error) {
		await file.close();
		throw error;
	}
}

/** Whether a file was written to, or changed otherwise, between two looks at it. */
export function sameMoment(a: BigIntStats, b: BigIntStats): boolean {
	return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

export interface WholeFile {
	readonly content: Buffer;
	readonly sha256: string;
	readonly stats: BigIntStats;
	readonly inconsistent: boolean;
}

/** Reads a small file, again up to `retries` times while it changes. `undefined`: it has become a large one. */
export async function readWhole(source: FileSource, folder: BytePath, path: BytePath, retries: number, signal: AbortSignal): Promise<WholeFile | undefined> {
	for (let attempt = 0; ; attempt++) {
		throwIfAborted(signal);
		const { file, stats } = await openRegular(source, folder, path);
		try {
			if (stats.size > BigInt(SMALL_FILE)) return undefined;
			const content = await readUpTo(file, Number(stats.size));
			const after = await file.stat();
			const consistent = sameMoment(stats, after) && content.length === Number(stats.size);
			if (consistent || attempt >= retries) {
				return { content, sha256: createHash('sha256').update(content).digest('hex'), stats, inconsistent: !consistent };
			}
		} finally {
			await file.close();
		}
		await pause(RETRY_PAUSE_MS * (attempt + 1), signal);
	}
}

async function readUpTo(file: OpenFile, size: number): Promise<Buffer> {
	const buffer = Buffer.allocUnsafe(size);
	let filled = 0;
	while (filled < size) {
		const bytes = await file.read(buffer.subarray(filled), filled);
		if (bytes === 0) break;
		filled += bytes;
	}
	return buffer.subarray(0, filled);
}

/** The SHA-256 of a file as it is now, or `undefined` when it changed meanwhile. */
export async function digestFile(source: FileSource, folder: BytePath, path: BytePath, signal: AbortSignal): Promise<{ sha256: string; stats: BigIntStats } | undefined> {
	const { file, stats } = await openRegular(source, folder, path);
	try {
		const hash = createHash('sha256');
		const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Number(stats.size) + 1));
		let position = 0;
		for (;;) {
			throwIfAborted(signal);
			const bytes = await file.read(buffer, position);
			if (bytes === 0) break;
			hash.update(buffer.subarray(0, bytes));
			position += bytes;
		}
		const after = await file.stat();
		return sameMoment(stats, after) && position === Number(stats.size) ? { sha256: hash.digest('hex'), stats } : undefined;
	} finally {
		await file.close();
	}
}

export interface StreamedFile {
	readonly sha256: string;
	readonly consistent: boolean;
	/** The system's reason where it could not be read to its end. */
	readonly failed?: string;
}

/**
 * Exactly `stats.size` bytes of an open file, because its header in the archive is written already: what grew meanwhile is cut, what shrank or cannot be
 * read is filled up with zeros, and either is reported.
 */
export async function* streamFile(file: OpenFile, stats: BigIntStats, signal: AbortSignal): AsyncGenerator<Buffer, StreamedFile, void> {
	const size = Number(stats.size);
	const hash = createHash('sha256');
	let position = 0;
	let failed: string | undefined;
	while (position < size) {
		throwIfAborted(signal);
		const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, size - position));
		let bytes = 0;
		try {
			bytes = failed === undefined ? await file.read(buffer, position) : 0;
		} catch (error) {
			failed = (error as NodeJS.ErrnoException).code ?? String(error);
		}
		const part = bytes > 0 ? buffer.subarray(0, bytes) : buffer.fill(0);
		hash.update(part);
		position += part.length;
		if (bytes === 0) failed ??= 'it became shorter';
		yield part;
	}
	const consistent = failed === undefined && sameMoment(stats, await file.stat());
	return { sha256: hash.digest('hex'), consistent, ...(failed !== undefined && failed !== 'it became shorter' && { failed }) };
}
