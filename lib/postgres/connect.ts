import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BackupError, throwIfAborted } from '../core/errors';
import { cancelQuery } from './cancel-request';
import type { PostgresConnection } from './connection-settings';
import { errnoOf, mapPostgresError, tlsError, where } from './map-error';
import { ReadingSocket } from './replication/reading-socket';
import { isServerError, sqlState } from './server-error';
import { tlsPlan } from './tls-options';

export interface ConnectOptions {
	/** Default: the connection's own database. */
	readonly database?: string;
	/** Ends the session, and what it is doing on the server. */
	readonly signal: AbortSignal;
	/** What pg_stat_activity shows; at most 63 bytes count. */
	readonly applicationName: string;
	/** What the session is for, for errors: "reading the tables". */
	readonly doing?: string;
	/** A walsender session that takes replication commands too (`replication=database`). */
	readonly replication?: boolean;
}

/**
 * Connects, lets `body` use the session, and ends it however `body` ends. An abort cancels what the server is doing.
 * The session resolves no name by search path, and no time limit of the server's or the role's ends it.
 * @throws BackupError; what the driver throws inside `body` is mapped
 */
export async function withClient<T>(
	connection: PostgresConnection,
	options: ConnectOptions,
	body: (client: pg.Client) => Promise<T>,
): Promise<T> {
	const client = await connectClient(connection, options);
	let cancelled: Promise<void> | undefined;
	const onAbort = () => {
		cancelled = endNow(client, connection, options.replication === true);
	};
	options.signal.addEventListener('abort', onAbort, { once: true });
	try {
		return await body(client);
	} catch (error) {
		throwIfAborted(options.signal);
		throw mapPostgresError(error, { connection, database: options.database, doing: options.doing ?? 'working' });
	} finally {
		options.signal.removeEventListener('abort', onAbort);
		await (cancelled ?? client.end());
	}
}

/**
 * Opens a session; whoever asks for it must `end()` it. Prefer `withClient`.
 * @throws BackupError `SERVER_UNREACHABLE`, `AUTHENTICATION_FAILED`, `TLS_FAILED`, `DATABASE_NOT_FOUND` (naming those that exist), …
 */
export async function connectClient(connection: PostgresConnection, options: ConnectOptions): Promise<pg.Client> {
	throwIfAborted(options.signal);
	const database = options.database ?? connection.database;
	const plan = tlsPlan(connection);
	try {
		try {
			return await open(connection, database, options, plan.ssl);
		} catch (error) {
			// As libpq does; a wrong password stays wrong, a dead host dead.
			if (!plan.fallBackToPlain || !(error instanceof ConnectFailure) || error.network || error.passwordAsked) throw error;
			return await openPlain(connection, database, options, error);
		}
	} catch (error) {
		throwIfAborted(options.signal);
		if (!(error instanceof ConnectFailure)) throw error;
		throw await explain(error, connection, database, options);
	}
}

/** Together long enough for a busy server that has to undo something small. */
const LEAVE_TRIES = 15;
const LEAVE_TRY_MS = 200;

/**
 * Cancels what the session does and waits a moment until the server has ended it: a session that was only cut off keeps its locks
 * until the server notices, and the next job would find them held. Then cuts it off. A server that is sending gets no such moment.
 */
async function endNow(client: pg.Client, connection: PostgresConnection, sending: boolean): Promise<void> {
	await cancelQuery(client, connection);
	if (!sending) await leave(client, connection);
	destroySocket(client);
}

/**
 * Says goodbye; the server closes the connection once the session and its locks are gone. It is asked to cancel again and again meanwhile:
 * a request that came before the query did was for nothing, and the goodbye waits behind that query.
 */
async function leave(client: pg.Client, connection: PostgresConnection): Promise<void> {
	const wire = wireOf(client);
	if (wire.stream.destroyed) return;
	const closed = new Promise<void>((resolve) => wire.stream.once('close', () => resolve()));
	wire.end();
	for (let tries = 0; tries < LEAVE_TRIES && !wire.stream.destroyed; tries++) {
		const over = new AbortController();
		const pause = sleep(LEAVE_TRY_MS, undefined, { signal: over.signal }).catch(() => undefined);
		await Promise.race([closed, pause]);
		over.abort();
		if (!wire.stream.destroyed) await Promise.race([closed, cancelQuery(client, connection)]);
	}
}

function destroySocket(client: pg.Client): void {
	wireOf(client).stream.destroy();
}

/** The driver's connection; its types do not know it. */
function wireOf(client: pg.Client): { readonly stream: Socket; end(): void } {
	return (client as unknown as { connection: { stream: Socket; end(): void } }).connection;
}

/** A host that vanished is noticed so soon, and ten seconds more, while nothing is under way to it; the systems' own value is two hours. */
const KEEPALIVE_AFTER_MS = 60_000;

/** The driver passes it on to the server; its types do not know it. */
const REPLICATION = { replication: 'database' };

const NETWORK_ERRORS = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'ETIMEDOUT',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'ENOENT',
	'EACCES',
]);

/** Why one try to connect failed, with what the error alone does not tell. */
class ConnectFailure extends Error {
	constructor(
		override readonly cause: unknown,
		readonly tls: boolean,
		readonly passwordAsked: boolean,
		readonly timedOut: boolean,
	) {
		super('connect', { cause });
	}

	/** The server was never spoken to. */
	get network(): boolean {
		return this.timedOut || NETWORK_ERRORS.has(errnoOf(this.cause) ?? '');
	}
}

async function openPlain(
	connection: PostgresConnection,
	database: string,
	options: ConnectOptions,
	first: ConnectFailure,
): Promise<pg.Client> {
	try {
		return await open(connection, database, options, false);
	} catch (second) {
		// What the server said to the encrypted try tells more than that it wants encryption.
		throw isServerError(first.cause) ? first : second;
	}
}

async function open(
	connection: PostgresConnection,
	database: string,
	options: ConnectOptions,
	ssl: pg.ClientConfig['ssl'],
): Promise<pg.Client> {
	let passwordAsked = false;
	let timedOut = false;
	const client = new pg.Client({
		host: connection.host,
		port: connection.port,
		user: connection.user,
		database,
		// A function, so that neither PGPASSWORD nor a pass file of this machine is ever used.
		password: () => {
			passwordAsked = true;
			return connection.password;
		},
		ssl,
		application_name: options.applicationName,
		keepAlive: true,
		keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
		...(options.replication === true && REPLICATION),
		// TLS reads past the socket's own listeners.
		...(options.replication === true && ssl === false && { stream: () => new ReadingSocket() }),
	});
	// A session that breaks while idle reports it here; the next query fails with the same.
	client.on('error', () => undefined);
	const timer = setTimeout(() => {
		timedOut = true;
		destroySocket(client);
	}, connection.connectTimeoutSeconds * 1000);
	const onAbort = () => destroySocket(client);
	options.signal.addEventListener('abort', onAbort, { once: true });
	try {
		await client.connect();
		await prepareSession(client);
		return client;
	} catch (error) {
		destroySocket(client);
		throw new ConnectFailure(error, ssl !== false, passwordAsked, timedOut);
	} finally {
		clearTimeout(timer);
		options.signal.removeEventListener('abort', onAbort);
	}
}

/** As pg_dump does for itself: no limit ends the session, and no name means anything but what it says. */
async function prepareSession(client: pg.Client): Promise<void> {
	// First and on its own: the limit would end whatever lifts it otherwise. (A SET takes no time worth limiting.)
	await client.query('SET statement_timeout = 0');
	await client.query(`SELECT pg_catalog.set_config(name, CASE name WHEN 'search_path' THEN '' ELSE '0' END, false)
		FROM pg_catalog.pg_settings
		WHERE name IN ('search_path', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`);
}

async function explain(
	failure: ConnectFailure,
	connection: PostgresConnection,
	database: string,
	options: ConnectOptions,
): Promise<BackupError> {
	const place = { connection, database, doing: 'connecting' };
	if (failure.timedOut) {
		return new BackupError(
			'SERVER_UNREACHABLE',
			`${where({ connection })} did not answer within ${connection.connectTimeoutSeconds} seconds.`,
			'Check the host, the port and firewalls between here and the server.',
		);
	}
	const { cause } = failure;
	if (sqlState(cause) === '3D000') {
		return new BackupError(
			'DATABASE_NOT_FOUND',
			`There is no database "${database}" on ${connection.host}:${connection.port}.`,
			await databasesHint(connection, database, options),
			{ cause },
		);
	}
	if (options.replication === true && sqlState(cause) === '42501') {
		return new BackupError(
			'PERMISSION_DENIED',
			`${where({ connection })} refused a replication connection: ${(cause as Error).message} (SQLSTATE 42501)`,
			`Run as a superuser: ALTER ROLE ${pg.escapeIdentifier(connection.user)} REPLICATION; the role also needs CONNECT on the database "${database}".`,
			{ cause },
		);
	}
	const hasCode = isServerError(cause) || errnoOf(cause) !== undefined;
	if (!hasCode && failure.passwordAsked) {
		const missing = connection.password === '';
		return new BackupError(
			'AUTHENTICATION_FAILED',
			missing
				? `${where({ connection })} asks for the password of "${connection.user}", and the credential has none.`
				: `${where({ connection })} could not be authenticated with: ${(cause as Error).message}`,
			missing
				? 'Put the password into the credential.'
				: `Check the user "${connection.user}" and its password in the credential.`,
			{ cause },
		);
	}
	if (!hasCode && failure.tls) return tlsError(cause, place);
	return mapPostgresError(cause, place);
}

async function databasesHint(connection: PostgresConnection, missing: string, options: ConnectOptions): Promise<string> {
	for (const database of new Set([connection.database, 'postgres', 'template1'])) {
		if (database === missing) continue;
		try {
			const names = await withClient(connection, { ...options, database }, async (client) => {
				const { rows } = await client.query<{ datname: string }>(
					'SELECT datname FROM pg_catalog.pg_database WHERE NOT datistemplate AND datallowconn ORDER BY datname LIMIT 30',
				);
				return rows.map((row) => `"${row.datname}"`);
			});
			return `Choose one that exists: ${names.join(', ')}. Upper and lower case count.`;
		} catch {
			// The list only helps to choose; the error itself is already known.
			throwIfAborted(options.signal);
		}
	}
	return 'Check the name of the database; upper and lower case count.';
}
