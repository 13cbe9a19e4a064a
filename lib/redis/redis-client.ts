import type { Redis, RedisOptions } from 'ioredis';
import { abortError } from '../core/abortable';
import { BackupError } from '../core/errors';
import { describeAddress, type RedisAddress, type RedisConnection } from './connection-settings';
import { connectionClosed, connectionError, replyError } from './map-error';
import { tlsOptions } from './tls-options';

export interface ClientOptions {
	readonly signal: AbortSignal;
	/** For errors: "reading what the server holds". */
	readonly doing: string;
	/** How long a command may take. */
	readonly commandTimeoutSeconds?: number;
	/** Log in with these instead of the connection's own. */
	readonly login?: { readonly username: string; readonly password: string };
}

/** Sends commands to one server; each failure is a `BackupError`. */
export class RedisClient {
	constructor(
		private readonly redis: Redis,
		readonly address: RedisAddress,
		private readonly options: ClientOptions,
	) {}

	/** The reply as ioredis yields it. */
	async call(command: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
		try {
			return await this.redis.call(command, ...args);
		} catch (error) {
			throw clientError(error, this.address, this.options);
		}
	}

	async text(command: string, ...args: (string | number)[]): Promise<string> {
		const reply = await this.call(command, ...args);
		return typeof reply === 'string' ? reply : String(reply);
	}

	/** The value of a setting, or undefined where the server does not know it or does not tell (managed services). */
	async setting(name: string): Promise<string | undefined> {
		try {
			const reply = await this.call('CONFIG', 'GET', name);
			return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined;
		} catch (error) {
			if (error instanceof BackupError && ['PERMISSION_DENIED', 'SERVER_ERROR'].includes(error.code)) return undefined;
			throw error;
		}
	}
}

/** Connects to one server, runs `body`, disconnects whatever happens. */
export async function withRedis<T>(connection: RedisConnection, address: RedisAddress, options: ClientOptions, body: (client: RedisClient) => Promise<T>): Promise<T> {
	const { signal } = options;
	if (signal.aborted) throw abortError(signal);
	// Loaded here, because most jobs have nothing to do with Redis.
	const ioredis = await import('ioredis');
	const secure = tlsOptions(connection, address.host);
	const { username, password } = options.login ?? connection;
	const settings: RedisOptions = {
		...(address.host.startsWith('/') ? { path: address.host } : { host: address.host, port: address.port }),
		...(username === '' ? {} : { username }),
		...(password === '' ? {} : { password }),
		...(secure ? { tls: secure } : {}),
		connectTimeout: connection.connectTimeoutSeconds * 1000,
		commandTimeout: (options.commandTimeoutSeconds ?? connection.idleTimeoutSeconds) * 1000,
		// RESP 2 needs no HELLO, which proxies and minimal ACLs may lack.
		protocol: 2,
		lazyConnect: true,
		enableReadyCheck: false,
		enableOfflineQueue: false,
		autoResendUnfulfilledCommands: false,
		maxRetriesPerRequest: 0,
		retryStrategy: null,
		disableClientInfo: true,
		// ioredis would keep the process alive for two seconds after a connection that did not come about.
		disconnectTimeout: 1,
	};
	const redis = new ioredis.Redis(settings);
	let failure: unknown;
	redis.on('error', (error: unknown) => (failure = error));
	const onAbort = () => redis.disconnect();
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		try {
			await redis.connect();
		} catch (error) {
			throw clientError(failure ?? error, address, options);
		}
		return await body(new RedisClient(redis, address, options));
	} finally {
		signal.removeEventListener('abort', onAbort);
		redis.disconnect();
	}
}

function clientError(error: unknown, address: RedisAddress, { signal, doing }: ClientOptions): BackupError {
	if (error instanceof BackupError) return error;
	if (signal.aborted) return abortError(signal);
	const { name, message, code } = error as NodeJS.ErrnoException;
	if (name === 'ReplyError' || /^(NOAUTH|WRONGPASS|NOPERM|LOADING|ERR) /.test(message)) return replyError(`-${message}`, address, doing);
	if (code !== undefined) return connectionError(error, address, doing);
	if (/timed? ?out/i.test(message)) return new BackupError('TIMED_OUT', `Redis at ${describeAddress(address)} did not answer in time while ${doing}.`, 'See whether the server or the network hangs; then run it again.');
	if (/Connection is closed|Stream isn't writeable/.test(message)) return connectionClosed(address, doing);
	return connectionError(error, address, doing);
}
