import { once } from 'node:events';
import net from 'node:net';
import { abortError } from '../../core/abortable';
import { BackupError, toBackupError } from '../../core/errors';
import type { RedisAddress } from '../connection-settings';
import { parseCommand } from './parse-command';

/** How often an idle replica hears from its master (`repl-ping-replica-period` is 10 s). */
const PING_MS = 1000;
/** What a replica may send in one command; it sends a few words. */
const LONGEST_COMMAND = 64 * 1024;

export interface ServedRdb {
	readonly bytes: number;
	/** Opens it for reading from the start: a replica whose connection broke asks again. */
	open(): AsyncIterable<Buffer>;
}

/**
 * Plays the master of one replica: answers its handshake and sends it an RDB as the full resynchronization.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ ; `replicationSetupSlaveForFullResync` and `syncWithMaster` of `replication.c`
 */
export class ReplicationServer {
	/** Of the RDB, in the newest transfer. */
	sent = 0;
	/** The replica has loaded the RDB and says so. */
	acknowledged = false;
	transfers = 0;
	/** Why the RDB could not be read or sent; then nothing more is. */
	failure: BackupError | undefined;
	/** Addresses that wanted the data and may not have it. */
	readonly refused = new Set<string>();
	private readonly server: net.Server;
	private readonly sockets = new Set<net.Socket>();

	private constructor(
		private readonly rdb: ServedRdb,
		private readonly allowed: ReadonlySet<string>,
		private readonly replicationId: string,
		private readonly signal: AbortSignal,
	) {
		this.server = net.createServer((socket) => this.accept(socket));
	}

	/** @param allowed the addresses from which the replica may come: all data goes to whoever asks */
	static async listen(rdb: ServedRdb, at: RedisAddress, allowed: ReadonlySet<string>, replicationId: string, signal: AbortSignal): Promise<ReplicationServer> {
		const server = new ReplicationServer(rdb, allowed, replicationId, signal);
		try {
			server.server.listen(at.port, at.host);
			await once(server.server, 'listening');
		} catch (error) {
			throw new BackupError('INVALID_INPUT', `This machine cannot listen on ${at.host}:${at.port} for the target (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Choose another address or port, one that this machine has and that is free.', { cause: error });
		}
		return server;
	}

	get port(): number {
		const address = this.server.address();
		return typeof address === 'object' && address !== null ? address.port : 0;
	}

	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
		for (const socket of this.sockets) socket.destroy();
		await closed;
	}

	private accept(socket: net.Socket): void {
		// How the connection ended is seen by the transfer, or by the target's state.
		socket.on('error', () => undefined);
		const from = plainAddress(socket.remoteAddress ?? '');
		if (!this.allowed.has(from)) {
			this.refused.add(from);
			socket.destroy();
			return;
		}
		this.sockets.add(socket);
		socket.setNoDelay(true);
		let received: Buffer = Buffer.alloc(0);
		socket.on('close', () => this.sockets.delete(socket));
		socket.on('data', (chunk: Buffer) => {
			received = Buffer.concat([received, chunk]);
			if (received.length > LONGEST_COMMAND) return void socket.destroy();
			for (;;) {
				const parsed = parseCommand(received);
				if (!parsed) return;
				received = received.subarray(parsed.bytes);
				if (parsed.args.length > 0) this.answer(socket, parsed.args);
			}
		});
	}

	private answer(socket: net.Socket, args: readonly string[]): void {
		switch (args[0]?.toUpperCase()) {
			case 'PING':
				socket.write('+PONG\r\n');
				return;
			case 'AUTH':
				// Whatever "masterauth" of the target holds: it is neither checked nor kept.
				socket.write('+OK\r\n');
				return;
			case 'REPLCONF':
				if (args[1]?.toUpperCase() === 'ACK') this.acknowledged = this.sent === this.rdb.bytes;
				else socket.write('+OK\r\n');
				return;
			case 'PSYNC':
				socket.write(`+FULLRESYNC ${this.replicationId} 0\r\n`);
				void this.send(socket);
				return;
			case 'SYNC':
				void this.send(socket);
				return;
			default:
				socket.write('-ERR unknown command\r\n');
		}
	}

	private async send(socket: net.Socket): Promise<void> {
		this.sent = 0;
		this.acknowledged = false;
		this.transfers += 1;
		try {
			socket.write(`$${this.rdb.bytes}\r\n`);
			for await (const chunk of this.rdb.open()) {
				if (socket.destroyed) return;
				if (this.signal.aborted) throw abortError(this.signal);
				this.sent += chunk.length;
				if (!socket.write(chunk)) await drained(socket);
			}
		} catch (error) {
			this.failure ??= toBackupError(error);
			// Half of an RDB makes the replica drop it and keep its old data.
			socket.destroy();
			return;
		}
		const timer = setInterval(() => socket.write('*1\r\n$4\r\nPING\r\n'), PING_MS);
		socket.once('close', () => clearInterval(timer));
		if (socket.destroyed) clearInterval(timer);
	}
}

async function drained(socket: net.Socket): Promise<void> {
	await new Promise<void>((resolve) => {
		const done = () => {
			socket.off('drain', done);
			socket.off('close', done);
			resolve();
		};
		socket.once('drain', done);
		socket.once('close', done);
		if (socket.destroyed || !socket.writableNeedDrain) done();
	});
}

/** IPv4 addresses arrive mapped into IPv6 where the socket listens on both. */
export function plainAddress(address: string): string {
	return address.replace(/^::ffff:/, '');
}
