import { chown, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../storage/folder-paths';
import { SETTINGS_NAME } from '../settings-file';
import type { TargetFolder } from './target-folder';

/** Files that belong to an SQLite database: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
const SIDE_FILES = ['', '-wal', '-shm', '-journal'];

interface Move {
	readonly from: string;
	readonly to: string;
}

/** What is to come into the data folder, each already complete in it under a temporary name. */
export interface Staged {
	readonly database: string | undefined;
	readonly settings: string | undefined;
	/** The folder of binary data, and the name that it gets. */
	readonly binary: { readonly path: string; readonly name: string } | undefined;
}

/**
 * Sets aside what is there and gives the restored files their names. When one step fails, those before it are undone.
 * @returns the paths of what was set aside; side files go with their database
 */
export async function putInPlace(dataFolder: string, target: TargetFolder, staged: Staged, stamp: string): Promise<string[]> {
	const settingsPath = join(dataFolder, SETTINGS_NAME);
	const aside = [
		...(staged.database === undefined ? [] : SIDE_FILES.map((suffix) => ({ from: target.databasePath + suffix, to: `${target.databasePath}.before-${stamp}${suffix}` }))),
		...(staged.settings === undefined ? [] : [{ from: settingsPath, to: `${settingsPath}.before-${stamp}` }]),
	];
	const existing: Move[] = [];
	for (const move of aside) if (await exists(move.from)) existing.push(move);
	const incoming: Move[] = [
		...(staged.database === undefined ? [] : [{ from: staged.database, to: target.databasePath }]),
		...(staged.settings === undefined ? [] : [{ from: staged.settings, to: settingsPath }]),
		...(staged.binary === undefined ? [] : [{ from: staged.binary.path, to: join(dataFolder, staged.binary.name) }]),
	];
	const done: Move[] = [];
	try {
		for (const move of [...existing, ...incoming]) {
			await rename(move.from, move.to);
			done.push(move);
		}
		await syncFolder(dataFolder);
	} catch (error) {
		for (const { from, to } of done.reverse()) await rename(to, from);
		throw error;
	}
	return existing.map(({ to }) => to).filter((path) => !SIDE_FILES.some((suffix) => suffix !== '' && path.endsWith(suffix)));
}

/** As root, what is restored belongs to whom the folder belongs to; otherwise n8n could not open it. */
export async function giveToOwner(path: string, owner: TargetFolder['owner']): Promise<void> {
	if (process.getuid?.() === 0) await chown(path, owner.uid, owner.gid);
}

async function exists(path: string): Promise<boolean> {
	try {
		await stat(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
}
