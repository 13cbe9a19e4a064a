import { lstat, mkdir, open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BackupError } from '../core/errors';
import { hasCode } from './folder-errors';

const FOLDER_MODE = 0o750;

/**
 * The real path of the store's root.
 * The root is never created: when a disk is not mounted, its empty mount point must not silently fill the system's disk.
 * @throws BackupError `STORE_UNAVAILABLE`
 */
export async function realRoot(root: string): Promise<string> {
	try {
		const real = await realpath(root);
		if ((await stat(real)).isDirectory()) return real;
	} catch (error) {
		if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
		throw new BackupError(
			'STORE_UNAVAILABLE',
			`The store's folder ${root} does not exist.`,
			'Mount the disk that holds it, or create the folder. It is not created for you, so that backups never land on the wrong disk.',
			{ cause: error },
		);
	}
	throw new BackupError('STORE_UNAVAILABLE', `The store's folder ${root} is not a folder.`, 'Give the path of a folder.');
}

/**
 * Follows `parts` below `root` and refuses to leave it through a symbolic link.
 * @returns the folder's real path, or `undefined` when it does not exist
 * @throws BackupError `PATH_REFUSED`
 */
export async function realFolder(root: string, parts: readonly string[]): Promise<string | undefined> {
	const base = await realRoot(root);
	let real: string;
	try {
		real = await realpath(join(base, ...parts));
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
		throw error;
	}
	const inside = base.endsWith(sep) ? base : base + sep;
	if (real === base || real.startsWith(inside)) return real;
	throw new BackupError(
		'PATH_REFUSED',
		`The folder ${parts.join('/')} of the store leads out of it through a symbolic link.`,
		'Replace the link by a real folder, or use the place to which it points as a store of its own.',
	);
}

/** Same, creating what is missing, durably. */
export async function makeFolder(root: string, parts: readonly string[]): Promise<string> {
	let folder = await realRoot(root);
	for (let depth = 0; depth < parts.length; depth++) {
		const next = join(folder, parts[depth] ?? '');
		try {
			await mkdir(next, { mode: FOLDER_MODE });
			await syncFolder(folder);
		} catch (error) {
			if (!hasCode(error, 'EEXIST')) throw error;
		}
		const real = await realFolder(root, parts.slice(0, depth + 1));
		// Removed by somebody else between the two calls: the caller tries again.
		if (real === undefined) throw Object.assign(new Error(`${parts.slice(0, depth + 1).join('/')} vanished`), { code: 'ENOENT' });
		folder = real;
	}
	return folder;
}

/** Makes a folder's entries durable: a rename survives a power cut only after this. */
export async function syncFolder(folder: string): Promise<void> {
	const handle = await open(folder, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/** Size and time of a plain file, `undefined` for anything else. */
export async function statFile(path: string): Promise<{ bytes: number; modifiedAt: Date } | undefined> {
	try {
		const found = await lstat(path);
		return found.isFile() ? { bytes: found.size, modifiedAt: found.mtime } : undefined;
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
		throw error;
	}
}
