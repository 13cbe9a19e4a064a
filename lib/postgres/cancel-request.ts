import net from 'node:net';
import type pg from 'pg';
import type { PostgresConnection } from './connection-settings';

const CANCEL_REQUEST_CODE = 80_877_102;
const GIVE_UP_AFTER_MS = 3_000;

/**
 * Asks the server to end what a session is doing, over a connection of its own
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). The server never answers, so
 * neither success nor failure can be seen; without it a session whose client has gone computes on until it wants to send.
 */
export function requestCancel(
	connection: Pick<PostgresConnection, 'host' | 'port'>,
	processId: number,
	secretKey: number,
): Promise<void> {
	const message = Buffer.alloc(16);
	message.writeInt32BE(16, 0);
	message.writeInt32BE(CANCEL_REQUEST_CODE, 4);
	message.writeInt32BE(processId, 8);
	message.writeInt32BE(secretKey, 12);
	return new Promise((resolve) => {
		const socket = connection.host.startsWith('/')
			? net.connect(`${connection.host}/.s.PGSQL.${connection.port}`)
			: net.connect(connection.port, connection.host);
		socket.setTimeout(GIVE_UP_AFTER_MS, () => socket.destroy());
		socket.on('connect', () => socket.end(message));
		// Best effort: whoever cancels destroys the session's own socket next.
		socket.on('error', () => socket.destroy());
		socket.on('close', () => resolve());
		socket.resume();
	});
}

/** Asks the server to end what `client`'s session is doing; the query then fails with SQLSTATE 57014. */
export async function cancelQuery(client: pg.Client, connection: Pick<PostgresConnection, 'host' | 'port'>): Promise<void> {
	const { processID, secretKey } = client as unknown as { processID: number | null; secretKey: number | null };
	if (processID !== null && secretKey !== null) await requestCancel(connection, processID, secretKey);
}

/** Runs `work` on a session; when `signal` fires, the query that is running is cancelled, and the session stays. */
export async function cancellable<T>(
	client: pg.Client,
	connection: Pick<PostgresConnection, 'host' | 'port'>,
	signal: AbortSignal,
	work: () => Promise<T>,
): Promise<T> {
	let cancelled: Promise<void> | undefined;
	const onAbort = () => {
		cancelled = cancelQuery(client, connection);
	};
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		return await work();
	} finally {
		signal.removeEventListener('abort', onAbort);
		await cancelled;
	}
}
