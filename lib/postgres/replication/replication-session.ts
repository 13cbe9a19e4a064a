import type { Socket } from 'node:net';
import type pg from 'pg';
import { BackupError, throwIfAborted } from '../../core/errors';
import { type ConnectOptions, withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { type CopyHandler, FrameSplitter } from './frame-splitter';
import { ReadingSocket } from './reading-socket';

/** One row set of a replication command; every value in its text form. */
export interface ResultSet {
	readonly fields: readonly string[];
	readonly rows: (string | null)[][];
}

/** How long the server may say nothing, while we listen, before the session is cut off. */
export interface Patience {
	readonly silenceMs: number;
	/** false: counted from the first data on, because a checkpoint that takes minutes may come before it. TCP's own keepalives watch till then. */
	readonly atOnce: boolean;
}

/** A server that has begun to send data goes on, however slow its disk is. */
const WHILE_SENDING: Patience = { silenceMs: 300_000, atOnce: false };
const LOOK_MS = 5000;

/** The parts of the driver that are its own business; they are checked when a session begins. */
interface DriverConnection {
	readonly stream: Socket;
	query(command: string): void;
	sendCopyFromChunk(bytes: Uint8Array): void;
	endCopyFrom(): void;
	sendCopyFail(message: string): void;
}

/**
 * A session of the streaming replication protocol (https://www.postgresql.org/docs/current/protocol-replication.html), which takes
 * SQL too. It is opened with `replication=database`: pg_hba.conf then treats it like any connection to that database.
 */
export class ReplicationSession {
	private readonly connection: DriverConnection;
	private readonly splitter: FrameSplitter;
	private handlerFailure: { readonly error: unknown } | undefined;
	private paused = false;
	/** For how long nothing has been heard, as far as somebody counts. */
	private silentMs = 0;

	constructor(readonly client: pg.Client) {
		this.connection = (client as unknown as { connection: DriverConnection }).connection;
		const { stream } = this.connection;
		const listeners = stream.listeners('data') as ((bytes: Buffer) => void)[];
		const [driver] = listeners;
		if (!driver || listeners.length !== 1) {
			throw new BackupError('INTERNAL', `The driver for PostgreSQL has ${listeners.length} listeners where one is expected.`, 'Report this as a bug, with the version of "pg" that is installed.');
		}
		this.splitter = new FrameSplitter((bytes) => driver(bytes));
		stream.removeListener('data', driver);
		if (stream instanceof ReadingSocket) stream.receive = (bytes) => this.feed(bytes);
		// Where nothing is emitted any more, the listener still keeps the stream flowing to its end.
		stream.on('data', (bytes: Buffer) => this.feed(bytes));
	}

	/** Runs SQL or a replication command that answers with one row set. Text only: this protocol takes no parameters. */
	async query<R extends pg.QueryResultRow = Record<string, string | null>>(command: string): Promise<R[]> {
		return (await this.client.query<R>(command)).rows;
	}

	/**
	 * Runs a command that answers with COPY OUT or COPY BOTH. Resolves with the row sets around the COPY once the server is ready again.
	 * What the handler throws ends the session, and is thrown here.
	 * @throws BackupError `SERVER_UNREACHABLE` when the server falls silent
	 */
	async copy(command: string, handler: CopyHandler, patience: Patience = WHILE_SENDING): Promise<ResultSet[]> {
		const watch = this.watchSilence(patience);
		try {
			return await this.run((settle) => ({ submit: (connection) => connection.query(command), ...settle }), handler);
		} finally {
			clearInterval(watch);
		}
	}

	/** Runs a command that answers with COPY IN and sends it `source`; UPLOAD_MANIFEST is one. */
	async copyIn(command: string, source: AsyncIterable<Uint8Array>): Promise<ResultSet[]> {
		return await this.run(
			(settle) => ({ submit: (connection) => connection.query(command), ...settle, handleCopyInResponse: () => void this.sendAll(source) }),
			null,
		);
	}

	/** Sends one CopyData message of a COPY BOTH. */
	send(bytes: Uint8Array): void {
		if (this.connection.stream.writable) this.connection.sendCopyFromChunk(bytes);
	}

	/** Ends our side of a COPY BOTH. */
	endCopy(): void {
		if (this.connection.stream.writable) this.connection.endCopyFrom();
	}

	/** Stops reading from the socket until `resume()`; sending goes on. */
	pause(): void {
		this.paused = true;
		this.connection.stream.pause();
	}

	resume(): void {
		this.paused = false;
		this.silentMs = 0;
		this.connection.stream.resume();
	}

	/** Cuts the session off; what is running rejects with `reason`. */
	destroy(reason: unknown): void {
		this.handlerFailure ??= { error: reason };
		this.connection.stream.resume();
		this.connection.stream.destroy();
	}

	private async run(query: (settle: Settle) => Submittable, handler: CopyHandler | null): Promise<ResultSet[]> {
		const sets: ResultSet[] = [];
		this.splitter.handler = handler;
		try {
			await new Promise<void>((resolve, reject) => {
				let current: (string | null)[][] = [];
				const settle: Settle = {
					handleRowDescription: ({ fields }) => {
						current = [];
						sets.push({ fields: fields.map(({ name }) => name), rows: current });
					},
					handleDataRow: ({ fields }) => void current.push(fields.map((value) => (value === null ? null : value.toString()))),
					handleCommandComplete: () => {
						const set = sets.at(-1);
						if (set && set.rows === current) handler?.rows?.(set);
					},
					handleCopyInResponse: () => undefined,
					handleCopyData: () => undefined,
					handlePortalSuspended: () => undefined,
					handleEmptyQuery: () => undefined,
					// After an error the driver forgets the query, and its end is never told: it is over here.
					handleError: reject,
					handleReadyForQuery: () => resolve(),
				};
				(this.client.query as unknown as (submittable: Submittable) => void).call(this.client, query(settle));
			});
			return sets;
		} catch (error) {
			throw this.handlerFailure ? this.handlerFailure.error : error;
		} finally {
			this.splitter.handler = null;
		}
	}

	private async sendAll(source: AsyncIterable<Uint8Array>): Promise<void> {
		const { stream } = this.connection;
		try {
			for await (const chunk of source) {
				if (!stream.writable) return;
				this.connection.sendCopyFromChunk(chunk);
				if (stream.writableNeedDrain) await new Promise<void>((resolve) => stream.once('drain', resolve).once('close', resolve));
			}
			this.endCopy();
		} catch (error) {
			this.handlerFailure ??= { error };
			if (stream.writable) this.connection.sendCopyFail('the source of the data failed');
		}
	}

	/** Counted look by look: a process that stood still has not listened meanwhile. */
	private watchSilence({ silenceMs, atOnce }: Patience): NodeJS.Timeout {
		const lookMs = Math.min(LOOK_MS, silenceMs / 4);
		this.silentMs = 0;
		this.splitter.sawData = false;
		const look = () => {
			if (this.paused || !(atOnce || this.splitter.sawData)) return;
			this.silentMs += lookMs;
			if (this.silentMs < silenceMs) return;
			this.destroy(
				new BackupError(
					'SERVER_UNREACHABLE',
					`Nothing has come from the server for ${Math.round(silenceMs / 1000)} seconds, in the middle of what it was sending.`,
					'It stands still, or the network between here and it does. Check that the server runs and can be reached, then run the job again.',
				),
			);
		};
		return setInterval(look, lookMs);
	}

	private feed(bytes: Buffer): void {
		this.silentMs = 0;
		try {
			this.splitter.feed(bytes);
		} catch (error) {
			this.destroy(error);
		}
	}
}

/** The calls that the driver makes on a query object. */
interface Settle {
	handleRowDescription(message: { readonly fields: readonly { readonly name: string }[] }): void;
	handleDataRow(message: { readonly fields: readonly (string | Buffer | null)[] }): void;
	handleCommandComplete(): void;
	handleCopyInResponse(): void;
	handleCopyData(): void;
	handlePortalSuspended(): void;
	handleEmptyQuery(): void;
	handleError(error: unknown): void;
	handleReadyForQuery(): void;
}

interface Submittable extends Settle {
	submit(connection: DriverConnection): void;
}

/**
 * Opens a replication session, lets `body` use it, and ends it however `body` ends; an abort cuts it off.
 * @throws BackupError; what the driver throws inside `body` is mapped
 */
export async function withReplication<T>(connection: PostgresConnection, options: Omit<ConnectOptions, 'replication'>, body: (session: ReplicationSession) => Promise<T>): Promise<T> {
	throwIfAborted(options.signal);
	return await withClient(connection, { ...options, replication: true }, async (client) => await body(new ReplicationSession(client)));
}
