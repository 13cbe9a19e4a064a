/** What becomes of the payload of CopyData messages. Pieces are views into memory that is used again: whoever wants to keep bytes copies them. */
export interface CopyHandler {
	/** A row set that came before, between or after the COPYs is complete. */
	rows?(set: { readonly fields: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] }): void;
	/** A piece of one CopyData message; `first` and `last` say whether it begins and ends the message. */
	piece(bytes: Buffer, first: boolean, last: boolean): void;
	/** The server has begun a COPY in both directions. */
	started?(): void;
	/** The server has sent its CopyDone. */
	done?(): void;
}

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const COPY_BOTH = 0x57;
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;

/**
 * Stands in front of the driver's own parser: the payload of CopyData goes to `handler` without being copied or collected, every
 * other message on to the driver untouched (authentication, errors, rows, ReadyForQuery stay its business).
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class FrameSplitter {
	handler: CopyHandler | null = null;
	/** Whether payload has come since it was last set to false. */
	sawData = false;
	private readonly header = Buffer.alloc(HEADER_BYTES);
	private headerBytes = 0;
	private code = 0;
	/** Bytes of the message that are still to come. */
	private left = 0;
	private first = false;

	constructor(private readonly driver: (bytes: Buffer) => void) {}

	feed(bytes: Buffer): void {
		let at = 0;
		while (at < bytes.length) {
			if (this.left === 0) {
				at += this.takeHeader(bytes, at);
				if (this.headerBytes < HEADER_BYTES) return;
				this.headerBytes = 0;
				this.startMessage();
				continue;
			}
			const taken = Math.min(this.left, bytes.length - at);
			const piece = bytes.subarray(at, at + taken);
			at += taken;
			this.left -= taken;
			if (this.code === COPY_DATA && this.handler) {
				this.sawData = true;
				const { first } = this;
				this.first = false;
				this.handler.piece(piece, first, this.left === 0);
			} else this.driver(Buffer.from(piece));
		}
	}

	private takeHeader(bytes: Buffer, at: number): number {
		const taken = bytes.copy(this.header, this.headerBytes, at, at + HEADER_BYTES - this.headerBytes);
		this.headerBytes += taken;
		return taken;
	}

	private startMessage(): void {
		this.code = this.header.readUInt8(0);
		this.left = this.header.readUInt32BE(1) - LENGTH_BYTES;
		this.first = true;
		if (this.code === COPY_DATA && this.handler) return;
		this.driver(Buffer.from(this.header));
		if (this.code === COPY_BOTH) this.handler?.started?.();
		if (this.code === COPY_DONE) this.handler?.done?.();
	}
}
