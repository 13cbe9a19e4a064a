import { opendir, realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { BackupError, throwIfAborted } from '../../core/errors';
import { type BytePath, bytePath, fsPath, pathText } from '../../files/byte-path';

/**
 * The files and links below a folder, as the bytes of their paths relative to it, in no particular order. Links are named, not followed.
 * @throws BackupError `INVALID_INPUT` when there is no such folder; `PERMISSION_DENIED` naming what cannot be read
 */
export async function* folderFiles(folder: string, signal: AbortSignal): AsyncGenerator<BytePath, void, void> {
	if (!isAbsolute(folder)) throw new BackupError('INVALID_INPUT', `The folder ${JSON.stringify(folder)} is not an absolute path.`, 'Give a path that starts with a slash.');
	const root = bytePath(await realRoot(folder));
	const pending: BytePath[] = [''];
	for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
		throwIfAborted(signal);
		const prefix = current === '' ? '' : `${current}/`;
		try {
			for await (const entry of await opendir(fsPath(root, current), { bufferSize: 256, encoding: 'latin1' as BufferEncoding })) {
				if (entry.isDirectory()) pending.push(prefix + entry.name);
				else if (entry.isFile() || entry.isSymbolicLink()) yield prefix + entry.name;
			}
		} catch (error) {
			// Removed while the rest was read.
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || current === '') throw unreadable(error, `${pathText(root)}/${pathText(current)}`);
		}
	}
}

async function realRoot(folder: string): Promise<string> {
	try {
		return await realpath(folder);
	} catch (error) {
		throw unreadable(error, folder);
	}
}

function unreadable(error: unknown, folder: string): unknown {
	if (error instanceof BackupError) return error;
	switch ((error as NodeJS.ErrnoException).code) {
		case 'ENOENT':
		case 'ENOTDIR':
			return new BackupError('INVALID_INPUT', `There is no folder ${folder}.`, 'Check the path, as seen from the machine that runs the job.', { cause: error });
		case 'EACCES':
		case 'EPERM':
			return new BackupError('PERMISSION_DENIED', `The folder ${folder} cannot be read.`, 'Give the user that runs the job the right to read it and to enter it.', { cause: error });
		default:
			return error;
	}
}
