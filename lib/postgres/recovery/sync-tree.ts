import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../core/errors';
import { syncFolder } from '../../storage/folder-paths';

/** So many files are flushed side by side. */
const AT_ONCE = 16;

/** Flushes a folder and all that is in it to the disk; follows no link. */
export async function syncTree(folder: string, signal: AbortSignal): Promise<void> {
	throwIfAborted(signal);
	const entries = await readdir(folder, { withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile());
	for (let at = 0; at < files.length; at += AT_ONCE) {
		throwIfAborted(signal);
		await Promise.all(files.slice(at, at + AT_ONCE).map(async ({ name }) => await syncFile(join(folder, name))));
	}
	for (const entry of entries) if (entry.isDirectory()) await syncTree(join(folder, entry.name), signal);
	await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
	const handle = await open(path, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
