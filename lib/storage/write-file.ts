import { type FileHandle, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { abortable } from '../core/abortable';
import { toBackupError } from '../core/errors';
import { syncFolder } from './folder-paths';

/** The temporary name under which a file is written: `.<name>.<random>.partial`. */
export const UNFINISHED_NAME = /^\..+\.[0-9a-f]{12}\.partial$/;

/** So many bytes are on their way to the disk before more are sent there: at the end little is left to wait for. */
const SYNC_BYTES = 32 * 1024 * 1024;

export interface DurableWrite {
	readonly folder: string;
	/** Name of the open, empty temporary file. */
	readonly temporary: string;
	readonly handle: FileHandle;
	/** The final name, taken only when everything is on the disk. */
	readonly name: string;
	readonly source: AsyncIterable<Uint8Array>;
	readonly signal: AbortSignal;
	readonly onBytes?: (total: number) => void;
}

/**
 * Writes all of `source`, then file to disk, rename, folder to disk: after a power cut there is the old file or the whole new one.
 * When anything fails the temporary file is removed.
 * @returns the number of bytes written
 */
export async function writeFileDurably(write: DurableWrite): Promise<number> {
	const temporary = join(write.folder, write.temporary);
	let closed = false;
	let syncing: Promise<void> | undefined;
	try {
		let total = 0;
		let sent = 0;
		for await (const chunk of abortable(ownErrors(write.source), write.signal)) {
			await writeFully(write.handle, chunk);
			total += chunk.byteLength;
			if (total - sent >= SYNC_BYTES && !syncing) {
				sent = total;
				syncing = write.handle.datasync().then(() => (syncing = undefined));
				// Whoever waits for it gets the error.
				syncing.catch(() => undefined);
			}
			write.onBytes?.(total);
		}
		await syncing;
		await write.handle.sync();
		closed = true;
		await write.handle.close();
		await rename(temporary, join(write.folder, write.name));
		await syncFolder(write.folder);
		return total;
	} catch (error) {
		if (!closed) await write.handle.close();
		try {
			await unlink(temporary);
		} catch {
			// Already renamed, or the disk is gone. The first error is the one to report; what stays is found by the clean-up.
		}
		throw error;
	}
}

/** A write to a nearly full disk may take fewer bytes than it was given. */
async function writeFully(handle: FileHandle, chunk: Uint8Array): Promise<void> {
	for (let offset = 0; offset < chunk.byteLength; ) {
		const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
		offset += bytesWritten;
	}
}

/** Keeps an error of the source from being taken for one of the disk. */
async function* ownErrors(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
	try {
		yield* source;
	} catch (error) {
		throw toBackupError(error);
	}
}
