import { type BigIntStats, lstatSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { throwIfAborted } from '../core/errors';
import { type BytePath, fsPath, joinPath } from './byte-path';
import type { LeftOutReason } from './index-entry';
import { breathe, Pace } from './pace';
import type { Selection } from './selection';

/** Something found in a folder; links are not followed. */
export interface Found {
	readonly path: BytePath;
	readonly type: 'file' | 'directory' | 'symlink';
	readonly stats: BigIntStats;
}

/** Something that is there and cannot be taken. `detail` is the system's reason. */
export interface NotTaken {
	readonly path: BytePath;
	readonly type: 'leftOut';
	readonly reason: LeftOutReason;
	readonly detail?: string;
}

export interface WalkOptions {
	/** Bytes of an absolute path. */
	readonly folder: BytePath;
	readonly selection: Selection;
	/** Do not go into folders on which another file system is mounted. */
	readonly oneFileSystem: boolean;
	readonly signal: AbortSignal;
}

/** How many entries are looked at at once. */
const BATCH = 64;

const pace = new Pace();

interface Frame {
	readonly path: BytePath;
	/** Sorted by their bytes. */
	readonly names: string[];
	at: number;
	ahead: (Found | NotTaken)[];
}

/**
 * Everything below a folder, depth first in the order of `comparePaths`, the folder itself first. Only the names in the folders
 * on the way to the present one are held. With patterns to include, a folder comes only when something in it is wanted.
 */
export async function* walk(options: WalkOptions): AsyncGenerator<Found | NotTaken, void, void> {
	const { folder, selection, signal } = options;
	const root = await lstat(fsPath(folder, ''), { bigint: true });
	let waiting: Found[] = [];
	const rootFound: Found = { path: '', type: 'directory', stats: root };
	yield rootFound;
	const stack: Frame[] = [await openFrame(folder, '')];
	for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
		if (frame.ahead.length === 0) {
			throwIfAborted(signal);
			if (frame.at >= frame.names.length) {
				stack.pop();
				waiting = waiting.filter(({ path }) => path !== frame?.path);
				continue;
			}
			frame.ahead = (await lookAt(options, frame)).reverse();
			continue;
		}
		const found = frame.ahead.pop() as Found | NotTaken;
		if (found.type === 'directory') {
			const mounted = options.oneFileSystem && found.stats.dev !== root.dev;
			const below = mounted ? undefined : await tryOpenFrame(folder, found.path);
			if (below !== undefined && 'reason' in below) {
				if (selection.includes(found.path)) yield below;
				if (below.reason === 'vanished') continue;
			}
			if (selection.includes(found.path)) {
				yield* waiting;
				waiting = [];
				yield found;
			} else waiting.push(found);
			if (mounted) yield { path: found.path, type: 'leftOut', reason: 'other filesystem' };
			if (below !== undefined && 'names' in below) stack.push(below);
			else waiting = waiting.filter(({ path }) => path !== found.path);
		} else if (selection.includes(found.path)) {
			if (found.type !== 'leftOut') {
				yield* waiting;
				waiting = [];
			}
			yield found;
		}
	}
}

async function openFrame(folder: BytePath, path: BytePath): Promise<Frame> {
	// One character a byte, so that sorting them sorts the bytes.
	const names = await readdir(fsPath(folder, path), { encoding: 'latin1' });
	return { path, names: names.sort(), at: 0, ahead: [] };
}

async function tryOpenFrame(folder: BytePath, path: BytePath): Promise<Frame | NotTaken> {
	try {
		return await openFrame(folder, path);
	} catch (error) {
		return notTaken(path, error);
	}
}

async function lookAt(options: WalkOptions, frame: Frame): Promise<(Found | NotTaken)[]> {
	const paths = frame.names.slice(frame.at, frame.at + BATCH).map((name) => joinPath(frame.path, name));
	frame.at += paths.length;
	const wanted = paths.filter((path) => !options.selection.excludes(path));
	const found = await Promise.all(wanted.map(async (path) => await lookAtOne(options.folder, path)));
	await breathe();
	return found;
}

async function lookAtOne(folder: BytePath, path: BytePath): Promise<Found | NotTaken> {
	try {
		const place = fsPath(folder, path);
		const stats = pace.slow() ? await lstat(place, { bigint: true }) : pace.direct(() => lstatSync(place, { bigint: true }));
		if (stats.isFile()) return { path, type: 'file', stats };
		if (stats.isDirectory()) return { path, type: 'directory', stats };
		if (stats.isSymbolicLink()) return { path, type: 'symlink', stats };
		return { path, type: 'leftOut', reason: stats.isSocket() ? 'socket' : stats.isFIFO() ? 'pipe' : 'device' };
	} catch (error) {
		return notTaken(path, error);
	}
}

const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
const UNREADABLE = new Set(['EACCES', 'EPERM', 'EIO', 'ENAMETOOLONG', 'ESTALE', 'EINVAL', 'EUCLEAN', 'EOVERFLOW', 'ENXIO', 'ENODEV', 'EBUSY', 'ETXTBSY']);

/** What an error of the file system means for one entry. @throws the error itself where it means more than that */
export function notTaken(path: BytePath, error: unknown): NotTaken {
	const code = (error as NodeJS.ErrnoException).code ?? '';
	if (GONE.has(code)) return { path, type: 'leftOut', reason: 'vanished' };
	if (UNREADABLE.has(code)) return { path, type: 'leftOut', reason: 'unreadable', detail: code };
	throw error;
}
