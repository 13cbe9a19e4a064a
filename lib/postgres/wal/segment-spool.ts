import { type FileHandle, open, rm } from 'node:fs/promises';

/** So many bytes are gathered before they are written. */
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** Holds a segment in a temporary file while it comes in: it may be as large as 1 GB, and its beginning is asked for more than once. */
export class SegmentSpool {
	private pending: Uint8Array[] = [];
	private pendingBytes = 0;
	/** Given to the file so far, and still held in memory among it. */
	private scheduled = 0;
	private writing: Promise<unknown>;
	private readonly file: Promise<FileHandle>;

	/** @param written told after each write how many bytes memory holds no longer */
	constructor(
		private readonly path: string,
		private readonly written: (bytes: number) => void,
	) {
		this.file = open(path, 'w+', 0o600);
		this.writing = this.file;
		this.writing.catch(() => undefined);
	}

	get bytes(): number {
		return this.scheduled + this.pendingBytes;
	}

	/** Keeps the chunk, which must not be changed any more. Errors come out of `read`. */
	append(chunk: Uint8Array): void {
		this.pending.push(chunk);
		this.pendingBytes += chunk.byteLength;
		if (this.pendingBytes >= WRITE_BYTES) this.flush();
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
		if (this.pendingBytes === 0) return;
		const { pending, pendingBytes, scheduled } = this;
		this.pending = [];
		this.pendingBytes = 0;
		this.scheduled += pendingBytes;
		this.writing = this.writing.then(async () => {
			await writeAll(await this.file, pending, scheduled);
			this.written(pendingBytes);
		});
		this.writing.catch(() => undefined);
	}
}

/** `writev` may write less than all, when a disk is about to be full. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
	const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
	const { bytesWritten } = await file.writev([...chunks], position);
	if (bytesWritten === bytes) return;
	const rest = Buffer.concat(chunks).subarray(bytesWritten);
	for (let at = 0; at < rest.length; ) {
		const written = await file.write(rest, at, rest.length - at, position + bytesWritten + at);
		at += written.bytesWritten;
	}
}
