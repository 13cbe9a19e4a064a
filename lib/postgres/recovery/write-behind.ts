import { closeSync, write } from 'node:fs';
import { promisify } from 'node:util';

const writeFile = promisify(write);

/** So much may be given to the disk and not be written yet. */
const MOST_HELD = 8 * 1024 * 1024;

interface OpenFile {
	/** Writes that have not ended. */
	writes: number;
	/** Nothing more comes: the last write closes it. */
	ended: boolean;
}

/**
 * Writes to open files while whoever has the bytes goes on, so that reading and digesting, which take one processor, do not wait for the copying into the
 * page cache, which takes another. What fails comes out of `room` and `settled`.
 */
export class WriteBehind {
	private readonly open = new Map<number, OpenFile>();
	private held = 0;
	private failure: { readonly error: unknown } | undefined;
	private wake: () => void = () => undefined;

	/** The bytes must not change until they are written. */
	write(fd: number, bytes: Uint8Array, position: number): void {
		const file = this.fileOf(fd);
		file.writes += 1;
		this.held += bytes.byteLength;
		void this.run(fd, file, bytes, position);
	}

	/** Closes the file once all of it is written. */
	end(fd: number): void {
		const file = this.fileOf(fd);
		file.ended = true;
		if (file.writes === 0) this.finish(fd);
	}

	/** Resolves when more may come. @throws what a write failed with */
	async room(): Promise<void> {
		while (this.held > MOST_HELD && !this.failure) await this.changed();
		if (this.failure) throw this.failure.error;
	}

	/** Resolves when nothing is under way; files that were not ended are closed. @throws what a write failed with */
	async settled(): Promise<void> {
		while ([...this.open.values()].some(({ writes }) => writes > 0)) await this.changed();
		for (const fd of this.open.keys()) closeSync(fd);
		this.open.clear();
		if (this.failure) throw this.failure.error;
	}

	private async run(fd: number, file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
		try {
			// A write to a nearly full disk may take fewer bytes than it was given.
			for (let done = 0; done < bytes.byteLength; ) done += (await writeFile(fd, bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
		} catch (error) {
			this.failure ??= { error };
		}
		this.held -= bytes.byteLength;
		file.writes -= 1;
		if (file.ended && file.writes === 0) this.finish(fd);
		this.wake();
	}

	private finish(fd: number): void {
		this.open.delete(fd);
		try {
			closeSync(fd);
		} catch (error) {
			this.failure ??= { error };
		}
	}

	private fileOf(fd: number): OpenFile {
		const known = this.open.get(fd);
		if (known) return known;
		const file: OpenFile = { writes: 0, ended: false };
		this.open.set(fd, file);
		return file;
	}

	private async changed(): Promise<void> {
		await new Promise<void>((resolve) => (this.wake = resolve));
	}
}
