import { type FileHandle, open, rm } from 'node:fs/promises';
import { BackupError, toBackupError } from '../../core/errors';
import { FrameBuffers } from '../../pipeline/frame-buffers';

/** So many bytes are gathered before they are written. */
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** Holds a segment in a temporary file while it comes in: it may be as large as 1 GB, and its beginning is asked for more than once. */
export class SegmentSpool {
	private readonly blocks = new FrameBuffers(WRITE_BYTES);
	/** What is gathered for the next write. */
	private block: Buffer | undefined;
	private pendingBytes = 0;
	/** Given to the file so far, and still held in memory among it. */
	private scheduled = 0;
	private writing: Promise<void> = Promise.resolve();
	private readonly file: Promise<FileHandle>;

	/**
	 * @param written told after each write how many bytes memory holds no longer
	 * @param failed told at once why nothing more can be written; `read` fails with the same
	 */
	constructor(
		private readonly path: string,
		private readonly written: (bytes: number) => void,
		private readonly failed: (error: BackupError) => void,
	) {
		this.file = open(path, 'w+', 0o600);
		this.schedule(async () => void (await this.file));
	}

	get bytes(): number {
		return this.scheduled + this.pendingBytes;
	}

	/** Copies the chunk. */
	append(chunk: Buffer): void {
		for (let at = 0; at < chunk.length; ) {
			const block = (this.block ??= this.blocks.take());
			const copied = chunk.copy(block, this.pendingBytes, at);
			at += copied;
			this.pendingBytes += copied;
			if (this.pendingBytes === WRITE_BYTES) this.flush();
		}
	}

	/** The bytes `from` to `to` (without `to`). */
	async *read(from: number, to: number): AsyncGenerator<Buffer, void, void> {
		this.flush();
		await this.writing;
		const file = await this.file;
		for (let at = from; at < to; ) {
			// A buffer of its own for each: whoever compresses it keeps it.
			const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, to - at));
			const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
			if (bytesRead === 0) throw new Error(`${this.path} ends at ${at} instead of ${to}`);
			at += bytesRead;
			yield buffer.subarray(0, bytesRead);
		}
	}

	async remove(): Promise<void> {
		await this.writing.catch(() => undefined);
		await this.file.then(async (file) => await file.close()).catch(() => undefined);
		await rm(this.path, { force: true });
	}

	private flush(): void {
		const { block, pendingBytes, scheduled } = this;
		if (!block || pendingBytes === 0) return;
		this.block = undefined;
		this.pendingBytes = 0;
		this.scheduled += pendingBytes;
		this.schedule(async () => {
			await writeAll(await this.file, block.subarray(0, pendingBytes), scheduled);
			this.blocks.giveBack(block);
			this.written(pendingBytes);
		});
	}

	/** One after the other; once one has failed, none that follows is tried. */
	private schedule(write: () => Promise<void>): void {
		this.writing = this.writing.then(async () => {
			try {
				await write();
			} catch (error) {
				const reason = spoolError(error, this.path);
				this.failed(reason);
				throw reason;
			}
		});
		this.writing.catch(() => undefined);
	}
}

/** A write may take less than all, when a disk is about to be full. */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
	for (let at = 0; at < bytes.length; ) {
		const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
		at += bytesWritten;
	}
}

function spoolError(error: unknown, path: string): BackupError {
	if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) return toBackupError(error);
	return new BackupError(
		'NO_SPACE',
		`The disk of the temporary folder is full: ${path} could not be written.`,
		'Make room there, or let TMPDIR (or BACKUP_RECOVERY_TEMP) name a folder with more: up to four segments of WAL lie there. The server keeps what was not archived.',
		{ cause: error },
	);
}
