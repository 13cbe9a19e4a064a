import { performance } from 'node:perf_hooks';
import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import { pause } from '../../core/abortable';
import { BackupError, throwIfAborted } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { mapPostgresError } from '../map-error';
import { sqlState } from '../server-error';
import { APPLICATION_NAME } from './maintenance';
import { describeSessions } from './sessions';

/** What one exchange of databases by name does. */
export interface Exchange {
	/** The name that clients use. */
	readonly live: string;
	/** The proven database that is to get it. */
	readonly incoming: string;
	/** The name under which the one that is live now is kept; undefined where there is none. */
	readonly keepAs: string | undefined;
	/**
	 * Statements that belong to the exchange (comments, limits), under the names from before it. They become visible together with it
	 * or not at all.
	 */
	readonly alongside: readonly string[];
}

const ATTEMPTS = 6;
const LONGEST_ATTEMPT_MS = 30_000;
const PAUSE_BETWEEN_ATTEMPTS_MS = 1_000;
const END_SESSIONS_EVERY_MS = 20;
/** Object in use, lock not available, deadlock: another try may succeed. */
const RETRY_STATES = ['55006', '55P03', '40P01'];

/** How an exchange is carried out. */
export interface ExchangeOptions {
	readonly connection: PostgresConnection;
	/** The database to work from: neither of the two. */
	readonly maintenanceDatabase: string;
	/** Heeded until the first statement of an attempt; from there the exchange ends one way or the other in seconds. */
	readonly signal: AbortSignal;
	/** Told before each statement of the transaction. */
	readonly onStatement?: (statement: string) => Promise<void> | void;
}

/**
 * Gives `incoming` the live name. All of it is one transaction: whatever fails or dies, wherever, the server either has done everything
 * or nothing, and there is nothing to be recovered by hand.
 *
 * The fence: `ALTER DATABASE … RENAME` holds an exclusive lock on the database, at which new connections wait; meanwhile a
 * second session ends those that are there. (`ALLOW_CONNECTIONS false` would have to be committed first, and a job that is killed
 * after that would leave the live database closed.)
 * @returns for how many milliseconds clients could not connect to the live name
 * @throws BackupError `DATABASE_IN_USE` when sessions could not be ended; whatever the server refused. The live database is then as before.
 */
export async function exchangeDatabases(exchange: Exchange, options: ExchangeOptions): Promise<number> {
	let outage = 0;
	for (let attempt = 1; ; attempt += 1) {
		throwIfAborted(options.signal);
		const result = await tryExchange(exchange, options);
		outage += result.milliseconds;
		if (result.error === undefined) return exchange.keepAs === undefined ? 0 : Math.round(outage);
		if (!RETRY_STATES.includes(sqlState(result.error) ?? '')) throw mapPostgresError(result.error, { connection: options.connection, doing: `exchanging "${exchange.live}"` });
		if (attempt === ATTEMPTS) throw await inUse(exchange, options, result.error);
		await pause(PAUSE_BETWEEN_ATTEMPTS_MS, options.signal);
	}
}

interface Attempt {
	readonly milliseconds: number;
	/** undefined: done. */
	readonly error?: unknown;
}

async function tryExchange(exchange: Exchange, options: ExchangeOptions): Promise<Attempt> {
	const oid = await withSession(options, 'exchanging databases', async (client) => await databaseOid(client, exchange.incoming));
	let attempt: Attempt | undefined;
	try {
		await withSession(options, 'exchanging databases', async (client) => {
			await withSession(options, 'ending sessions', async (ender) => {
				attempt = await runTransaction(client, ender, exchange, options);
			});
		});
	} catch (error) {
		// The session broke. Whether the last word that it got was COMMIT, only the server knows.
		const now = await withSession(options, 'looking whether the exchange was done', async (client) => await databaseOid(client, exchange.live));
		if (oid === undefined || now !== oid) throw error;
	}
	return attempt ?? { milliseconds: 0 };
}

/** Sessions of the exchange do not end when the job is cancelled half way. */
async function withSession<T>(options: ExchangeOptions, doing: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
	const signal = AbortSignal.timeout(LONGEST_ATTEMPT_MS);
	return await withClient(options.connection, { database: options.maintenanceDatabase, signal, applicationName: APPLICATION_NAME, doing }, body);
}

async function databaseOid(client: pg.Client, name: string): Promise<string | undefined> {
	const { rows } = await client.query<{ oid: string }>('SELECT oid::text FROM pg_database WHERE datname = $1', [name]);
	return rows[0]?.oid;
}

async function runTransaction(client: pg.Client, ender: pg.Client, { live, incoming, keepAs, alongside }: Exchange, options: ExchangeOptions): Promise<Attempt> {
	let startedAt: number | undefined;
	const elapsed = () => (startedAt === undefined ? 0 : performance.now() - startedAt);
	const run = async (statement: string) => {
		await options.onStatement?.(statement);
		await client.query(statement);
	};
	try {
		await run('BEGIN');
		await run(`SET LOCAL lock_timeout = '3s'`);
		for (const statement of alongside) await run(statement);
		startedAt = performance.now();
		await whileEndingSessions(ender, keepAs === undefined ? [incoming] : [live, incoming], async () => {
			if (keepAs !== undefined) await run(`ALTER DATABASE ${escapeIdentifier(live)} RENAME TO ${escapeIdentifier(keepAs)}`);
			await run(`ALTER DATABASE ${escapeIdentifier(incoming)} RENAME TO ${escapeIdentifier(live)}`);
		});
		await run('COMMIT');
		return { milliseconds: elapsed() };
	} catch (error) {
		if (sqlState(error) === undefined) throw error;
		await client.query('ROLLBACK');
		return { milliseconds: elapsed(), error };
	}
}

/** Ends every session in `databases`, again and again, until `body` has ended. */
async function whileEndingSessions(ender: pg.Client, databases: readonly string[], body: () => Promise<void>): Promise<void> {
	let going = true;
	let failure: unknown;
	const ending = (async () => {
		while (going) {
			await endSessions(ender, databases);
			await new Promise((resolve) => setTimeout(resolve, END_SESSIONS_EVERY_MS));
		}
	})().catch((error: unknown) => (failure = error));
	try {
		await body();
	} catch (error) {
		// That sessions could not be ended is why the databases are still in use.
		throw failure ?? error;
	} finally {
		going = false;
		await ending;
	}
}

/** A role without the right to end all of them ends those that it may: who stays is named when the exchange gives up. */
export async function endSessions(ender: pg.Client, databases: readonly string[]): Promise<void> {
	await ender.query(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = ANY($1) AND pid <> pg_backend_pid()
			AND ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
				OR pg_has_role(current_user, usesysid, 'USAGE')
				OR (pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = usesysid)))`,
		[databases],
	);
}

async function inUse(exchange: Exchange, options: ExchangeOptions, cause: unknown): Promise<BackupError> {
	const sessions = await withSession(options, 'naming sessions', async (client) => await describeSessions(client, exchange.live));
	return new BackupError(
		'DATABASE_IN_USE',
		`The sessions of the database "${exchange.live}" could not be ended${sessions === undefined ? '' : ` (${sessions})`}; it was not exchanged and is as before.`,
		'Stop these clients (or let a superuser do the restore), then run it again. Prepared transactions and running copies of the database also hold it.',
		{ cause },
	);
}
