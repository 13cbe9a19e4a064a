import net from 'node:net';
import type { PostgresConnection } from './connection-settings';

const CANCEL_REQUEST_CODE = 80_877_102;
const GIVE_UP_AFTER_MS = 3_000;

/**
 * Asks the server to end what a session is doing, over a connection of its own
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). The server never answers, so
 * neither success nor failure can be seen; without it a session whose client has gone computes on until it wants to send.
 */
export function requestCancel(connection: Pick<PostgresConnection, 'host' | 'port'>, processId: number, secretKey: number): Promise<void> {
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
