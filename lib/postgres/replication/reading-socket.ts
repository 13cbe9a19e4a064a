import { Socket } from 'node:net';

/** Enough that a fast server costs few turns of the event loop, and little enough to stay in the processor's cache. */
const READ_BYTES = 256 * 1024;

/**
 * A socket that reads into the same memory again and again. A socket of Node's allocates 64 KiB for each read, and collecting that took an eighth of
 * the processor time of a base backup (measured).
 */
export class ReadingSocket extends Socket {
	/** Gets what comes in instead of the listeners of `data`. The bytes are valid during the call only. */
	receive: ((bytes: Buffer) => void) | undefined;

	constructor() {
		const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
		// Node's types do not know the option here; it is the one of `net.connect` (https://nodejs.org/api/net.html#socketconnectoptions-connectlistener).
		const options = { onread: { buffer, callback: (bytes: number) => this.pass(buffer.subarray(0, bytes)) } };
		super(options);
	}

	private pass(bytes: Buffer): boolean {
		if (this.receive) this.receive(bytes);
		// Whoever listens in the usual way may keep what it gets.
		else this.emit('data', Buffer.from(bytes));
		return true;
	}
}
