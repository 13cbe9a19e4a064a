import net from 'node:net';
import tls from 'node:tls';
import { abortError } from '../../core/abortable';
import type { RedisAddress, RedisConnection } from '../connection-settings';
import { connectionClosed, connectionError, connectionIdle, replyError } from '../map-error';
import { tlsOptions } from '../tls-options';

export interface SocketOptions {
	readonly signal: AbortSignal;
	/** For errors: "taking the snapshot". */
	readonly doing: string;
}

/** Error replies are one line; a longer "line" is no Redis. */
const LONGEST_LINE = 64 * 1024;

/** One connection that speaks RESP by hand: for the replication stream, and for values that are too large to be held in memory. */
export class RedisSocket {
	private held: Buffer = Buffer.alloc(0);
	private readonly chunks: AsyncIterator<Buffer>;

	private constructor(
		readonly socket: net.Socket,
		readonly address: RedisAddress,
		private readonly connection: RedisConnection,
		private readonly options: SocketOptions,
	) {
		this.chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	}

	/** Connects and logs in. */
	static async open(connection: RedisConnection, address: RedisAddress, options: SocketOptions): Promise<RedisSocket> {
		const socket = await connectSocket(connection, address, options);
		const opened = new RedisSocket(socket, address, connection, options);
		try {
			await opened.logIn();
			return opened;
		} catch (error) {
			opened.close();
			throw error;
		}
	}

	private async logIn(): Promise<void> {
		const { username, password } = this.connection;
		if (password === '' && username === '') return;
		const reply = await this.command('AUTH', ...(username === '' ? [] : [username]), password);
		if (reply.startsWith('-')) throw replyError(reply, this.address, 'logging in');
	}

	/** Sends a command and reads a reply of one line. */
	async command(...args: string[]): Promise<string> {
		this.socket.write(encodeCommand(args));
		return await this.line();
	}

	/** The next line, without its end. */
	async line(): Promise<string> {
		for (;;) {
			const end = this.held.indexOf('\r\n');
			if (end >= 0) {
				const line = this.held.toString('latin1', 0, end);
				this.held = this.held.subarray(end + 2);
				return line;
			}
			if (this.held.length > LONGEST_LINE) throw connectionError(new Error('the answer is not one of Redis'), this.address, this.options.doing);
			const chunk = await this.read();
			this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
		}
	}

	/** The next line that is not empty: a master sends bare newlines while it prepares a snapshot (`replicationSendNewlineToMaster`). */
	async lineAfterKeepAlives(onKeepAlive: () => void): Promise<string> {
		for (;;) {
			let at = 0;
			while (this.held[at] === 0x0a) at += 1;
			this.held = this.held.subarray(at);
			if (this.held.length > 0) return await this.line();
			this.held = await this.read();
			onKeepAlive();
		}
	}

	/** The next bytes, whatever they are: what `line` left, then as they arrive. `patient`: the caller itself watches for silence. */
	async bytes({ patient = false } = {}): Promise<Buffer> {
		if (this.held.length === 0) return await this.read(patient);
		const bytes = this.held;
		this.held = Buffer.alloc(0);
		return bytes;
	}

	close(): void {
		this.socket.destroy();
	}

	/** Waits for bytes: until they come, the connection fails, nothing has come for too long, or the job ends. */
	private async read(patient = false): Promise<Buffer> {
		const { signal, doing } = this.options;
		const seconds = this.connection.idleTimeoutSeconds;
		return await new Promise<Buffer>((resolve, reject) => {
			if (signal.aborted) return reject(abortError(signal));
			const settle = (body: () => void) => {
				clearTimeout(timer);
				signal.removeEventListener('abort', onAbort);
				body();
			};
			const onAbort = () =>
				settle(() => {
					this.close();
					reject(abortError(signal));
				});
			const onIdle = () =>
				settle(() => {
					this.close();
					reject(connectionIdle(this.address, seconds, doing));
				});
			const timer = patient ? undefined : setTimeout(onIdle, seconds * 1000);
			signal.addEventListener('abort', onAbort, { once: true });
			this.chunks.next().then(
				(step) => settle(() => (step.done ? reject(connectionClosed(this.address, doing)) : resolve(step.value))),
				(error: unknown) => settle(() => reject(connectionError(error, this.address, doing))),
			);
		});
	}
}

/** RESP arrays of bulk strings: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export function encodeCommand(args: readonly (string | Buffer)[]): Buffer {
	const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
	for (const arg of args) {
		const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
		parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
	}
	return Buffer.concat(parts);
}

const CRLF = Buffer.from('\r\n');

/** Connects, with TLS where it is asked for. */
async function connectSocket(connection: RedisConnection, address: RedisAddress, { signal, doing }: SocketOptions): Promise<net.Socket> {
	if (signal.aborted) throw abortError(signal);
	const secure = tlsOptions(connection, address.host);
	const place = address.host.startsWith('/') ? { path: address.host } : { host: address.host, port: address.port };
	const socket = secure ? tls.connect({ ...secure, ...place }) : net.connect(place);
	const seconds = connection.connectTimeoutSeconds;
	try {
		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(() => reject(connectionIdle(address, seconds, 'connecting')), seconds * 1000);
			const onAbort = () => reject(abortError(signal));
			const settle = (body: () => void) => {
				clearTimeout(timer);
				signal.removeEventListener('abort', onAbort);
				body();
			};
			signal.addEventListener('abort', onAbort, { once: true });
			socket.once(secure ? 'secureConnect' : 'connect', () => settle(resolve));
			socket.once('error', (error) => settle(() => reject(connectionError(error, address, doing))));
			socket.once('close', () => settle(() => reject(connectionClosed(address, 'connecting'))));
		});
	} catch (error) {
		// The error is reported here; another event of the dying socket would be a second report, and fatal.
		socket.on('error', () => undefined);
		socket.destroy();
		throw error;
	}
	socket.setNoDelay(true);
	socket.setKeepAlive(true, 15_000);
	// A socket without a listener for errors takes the process down; whoever reads or writes sees the failure.
	socket.on('error', () => undefined);
	return socket;
}
