import { abortError } from '../../core/abortable';
import { BackupError, toBackupError } from '../../core/errors';
import { describeAddress, type RedisAddress, type RedisConnection } from '../connection-settings';
import { connectionIdle } from '../map-error';
import { RedisSocket } from '../wire/redis-socket';

/** How many commands may be under way without an answer. */
const MOST_PENDING = 5000;
const BUFFER_BYTES = 256 * 1024;
const DOING = 'restoring';

/** Told of the answer to a command: `+OK`, or `-CODE text`. @throws to end the restore */
export type OnReply = (reply: string) => void;

/**
 * Sends many commands to one server without waiting for each answer. What is written is gathered in buffers of fixed size; `flush` hands them to the socket
 * and waits while too much is under way, so memory stays flat. A command may be written in pieces, for values that are too large to be held.
 */
export class CommandLink {
	private buffer = Buffer.allocUnsafe(BUFFER_BYTES);
	private filled = 0;
	private full: Buffer[] = [];
	private readonly pending: OnReply[] = [];
	private answered = 0;
	private rest: Buffer = Buffer.alloc(0);
	/** Bytes of a bulk reply that are still to be passed over. */
	private passing = 0;
	private failure: BackupError | undefined;
	private wake: (() => void) | undefined;

	private constructor(
		private readonly socket: RedisSocket,
		private readonly connection: RedisConnection,
		private readonly signal: AbortSignal,
	) {
		void this.readReplies();
	}

	static async open(connection: RedisConnection, address: RedisAddress, signal: AbortSignal): Promise<CommandLink> {
		return new CommandLink(await RedisSocket.open(connection, address, { signal, doing: DOING }), connection, signal);
	}

	get address(): RedisAddress {
		return this.socket.address;
	}

	/** A whole command. */
	command(args: readonly (string | Buffer)[], onReply: OnReply): void {
		this.text(`*${args.length}\r\n`);
		for (const arg of args) this.argument(arg);
		this.expect(onReply);
	}

	argument(arg: string | Buffer): void {
		if (typeof arg === 'string') {
			this.text(`$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
		} else {
			this.text(`$${arg.length}\r\n`);
			this.bytes(arg);
			this.text('\r\n');
		}
	}

	/** The next command in order, once all of it is written. */
	expect(onReply: OnReply): void {
		this.pending.push(onReply);
	}

	text(text: string): void {
		const bytes = Buffer.byteLength(text);
		if (this.filled + bytes > BUFFER_BYTES) this.nextBuffer();
		if (bytes > BUFFER_BYTES) return this.bytes(Buffer.from(text));
		this.filled += this.buffer.write(text, this.filled);
	}

	/** Copies: the caller's memory may be reused. */
	bytes(bytes: Buffer): void {
		for (let at = 0; at < bytes.length; ) {
			if (this.filled === BUFFER_BYTES) this.nextBuffer();
			const copied = bytes.copy(this.buffer, this.filled, at);
			this.filled += copied;
			at += copied;
		}
	}

	/** Sends what was written and waits until little enough is under way; with `all`, until everything has been answered. */
	async flush(all = false): Promise<void> {
		this.nextBuffer();
		const buffers = this.full;
		this.full = [];
		for (const buffer of buffers) {
			if (!this.socket.socket.write(buffer)) await this.until(() => !this.socket.socket.writableNeedDrain);
		}
		await this.until(() => this.pending.length - this.answered <= (all ? 0 : MOST_PENDING));
	}

	close(): void {
		this.socket.close();
	}

	private nextBuffer(): void {
		if (this.filled === 0) return;
		this.full.push(this.buffer.subarray(0, this.filled));
		this.buffer = Buffer.allocUnsafe(BUFFER_BYTES);
		this.filled = 0;
	}

	/** Waits for `done`. Neither an answer nor a byte taken for too long: the server hangs. */
	private async until(done: () => boolean): Promise<void> {
		const { socket } = this.socket;
		let seen = -1;
		let since = performance.now();
		const onDrain = () => this.wake?.();
		socket.on('drain', onDrain);
		try {
			for (;;) {
				if (this.failure !== undefined) throw this.failure;
				if (this.signal.aborted) throw abortError(this.signal);
				if (done()) return;
				const moved = socket.bytesWritten + socket.bytesRead - socket.writableLength;
				if (moved !== seen) {
					seen = moved;
					since = performance.now();
				} else if (performance.now() - since > this.connection.idleTimeoutSeconds * 1000) {
					throw connectionIdle(this.socket.address, this.connection.idleTimeoutSeconds, DOING);
				}
				await new Promise<void>((resolve) => {
					const timer = setTimeout(resolve, 250);
					this.wake = () => {
						clearTimeout(timer);
						resolve();
					};
				});
			}
		} finally {
			socket.off('drain', onDrain);
		}
	}

	private async readReplies(): Promise<void> {
		try {
			for (;;) this.take(await this.socket.bytes({ patient: true }));
		} catch (error) {
			this.failure ??= toBackupError(error);
		}
		this.wake?.();
	}

	private take(chunk: Buffer): void {
		let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
		for (;;) {
			const passed = Math.min(this.passing, bytes.length);
			this.passing -= passed;
			bytes = bytes.subarray(passed);
			const end = bytes.indexOf(0x0a);
			if (this.passing > 0 || end < 0) break;
			const line = bytes.toString('latin1', 0, end - 1);
			bytes = bytes.subarray(end + 1);
			const length = /^\$(\d+)$/.exec(line)?.[1];
			if (length !== undefined) this.passing = Number(length) + 2;
			this.answer(line);
		}
		this.rest = Buffer.from(bytes);
		this.wake?.();
	}

	private answer(line: string): void {
		const onReply = this.pending[this.answered];
		if (!onReply) throw new BackupError('SERVER_ERROR', `Redis at ${describeAddress(this.address)} answered more than it was asked.`, 'See that no proxy between changes the protocol.');
		this.answered += 1;
		if (this.answered === MOST_PENDING) {
			this.pending.splice(0, this.answered);
			this.answered = 0;
		}
		onReply(line);
	}
}
