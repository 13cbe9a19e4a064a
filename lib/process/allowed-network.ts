import { Socket } from 'node:net';

/** Names what may be reached: `host:port` entries with commas between, or `none`. A host also stands for those below it. Unset: everything. */
export const ONLY_NETWORK = 'BACKUP_RECOVERY_ONLY_NETWORK';

/** The error that a refused connection ends with. */
export class NetworkRefusedError extends Error {
	override readonly name = 'NetworkRefusedError';
	readonly code = 'ENETUNREACH';
}

/**
 * From here on this process connects to what `allowed` names and to nothing else; unix sockets are refused too. For proving that something
 * works with the store alone, not for guarding against hostile code: programs that it starts are not held to it.
 */
export function limitNetwork(allowed: string): void {
	const entries = allowed.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '' && entry !== 'none');
	const connect = Reflect.get(Socket.prototype, 'connect') as (this: Socket, ...args: unknown[]) => Socket;
	Object.defineProperty(Socket.prototype, 'connect', {
		configurable: true,
		writable: true,
		value: function (this: Socket, ...args: unknown[]): Socket {
			const wanted = destination(args);
			if (isAllowed(wanted, entries)) return connect.apply(this, args);
			return this.destroy(new NetworkRefusedError(`A connection to ${wanted} was refused: only ${entries.length === 0 ? 'no address' : entries.join(', ')} may be reached (${ONLY_NETWORK}).`));
		},
	});
}

/** `host` is that of an entry or lies below it, and the port is the same. */
export function isAllowed(wanted: string, entries: readonly string[]): boolean {
	return entries.some((entry) => wanted === entry || wanted.endsWith(`.${entry}`));
}

/** The forms in which `connect` is called: a port and a host, a path, options, or (by net.connect itself) an array that begins with options. */
function destination(args: readonly unknown[]): string {
	const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
	if (typeof first === 'object' && first !== null) {
		const { host, port, path } = first as { host?: unknown; port?: unknown; path?: unknown };
		return typeof path === 'string' && port === undefined ? path : `${typeof host === 'string' ? host : 'localhost'}:${String(port)}`;
	}
	if (typeof first === 'string' && !/^\d+$/.test(first)) return first;
	return `${typeof second === 'string' ? second : 'localhost'}:${String(first)}`;
}
