import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { abortError } from '../core/abortable';

export interface FileReaderOptions {
	readonly handle: FileHandle;
	/** First byte. */
	readonly start: number;
	/** The byte after the last one. */
	readonly end: number;
	readonly signal: AbortSignal;
	readonly mapError: (error: unknown) => Error;
}

const CHUNK = 512 * 1024;

/** Reads a range of an open file and closes it. Every chunk has memory of its own, so that it may be queued. */
export class FileReader extends Readable {
	private position: number;
	private readonly onAbort: () => void;

	constructor(private readonly options: FileReaderOptions) {
		super({ highWaterMark: CHUNK });
		this.position = options.start;
		this.onAbort = () => this.destroy(abortError(options.signal));
		if (options.signal.aborted) this.onAbort();
		else options.signal.addEventListener('abort', this.onAbort, { once: true });
	}

	override _read(): void {
		const want = Math.min(CHUNK, this.options.end - this.position);
		if (want <= 0) {
			this.push(null);
			return;
		}
		this.options.handle.read(Buffer.allocUnsafeSlow(want), 0, want, this.position).then(
			({ bytesRead, buffer }) => {
				this.position += bytesRead;
				this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
			},
			(error: unknown) => this.destroy(this.options.mapError(error)),
		);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.options.signal.removeEventListener('abort', this.onAbort);
		this.options.handle.close().then(
			() => callback(error),
			(closeError: unknown) => callback(error ?? this.options.mapError(closeError)),
		);
	}
}
