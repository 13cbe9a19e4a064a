/**
 * Memory for frames that is used again: megabytes allocated anew for each frame cost page faults and garbage collections,
 * some 5 % of a dump's processor time (measured).
 */
export class FrameBuffers {
	private readonly free: Buffer[] = [];

	constructor(private readonly frameBytes: number) {}

	/** A buffer of a whole frame's size; what it holds is arbitrary. */
	take(): Buffer {
		return this.free.pop() ?? Buffer.allocUnsafeSlow(this.frameBytes);
	}

	/** Takes back a buffer that nobody reads any more. The shorter last frame is not worth keeping. */
	giveBack(buffer: Buffer): void {
		if (buffer.length === this.frameBytes) this.free.push(buffer);
	}
}
