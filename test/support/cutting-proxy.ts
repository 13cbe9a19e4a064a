import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Passes connections on to a server, cuts them where the test says, and leads to another server when it says so. */
export interface CuttingProxy {
	readonly port: number;
	/** Where new connections lead. */
	target: number;
	/** Nothing is passed on any more, in neither direction, as by a host that vanished. */
	silent: boolean;
	/** Cut every connection once so many bytes have come from the server over it; undefined: never. */
	cutAfter: number | undefined;
	/** How many connections `cutAfter` has cut. */
	readonly cuts: () => number;
	/** Cuts all connections now. */
	cut(): void;
	/** The most that has come over one connection so far. */
	readonly most: () => number;
	stop(): Promise<void>;
}

export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
	const sockets = new Set<Socket>();
	let most = 0;
	let cuts = 0;
	const server = createServer((client) => {
		const upstream = connect(proxy.target, '127.0.0.1');
		let bytes = 0;
		const cut = () => {
			client.destroy();
			upstream.destroy();
		};
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.on('error', cut).on('close', () => {
				sockets.delete(socket);
				cut();
			});
		}
		client.on('data', (chunk: Buffer) => {
			if (!proxy.silent) upstream.write(chunk);
		});
		upstream.on('data', (chunk: Buffer) => {
			if (proxy.silent) return;
			bytes += chunk.length;
			most = Math.max(most, bytes);
			const over = proxy.cutAfter === undefined ? 0 : bytes - proxy.cutAfter;
			if (over > 0) {
				cuts += 1;
				// What lay before the cut still arrives.
				client.write(chunk.subarray(0, Math.max(0, chunk.length - over)), cut);
				upstream.pause();
				return;
			}
			if (!client.write(chunk)) {
				upstream.pause();
				client.once('drain', () => upstream.resume());
			}
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const proxy: CuttingProxy = {
		port: (server.address() as AddressInfo).port,
		target: port,
		silent: false,
		cutAfter: undefined,
		cuts: () => cuts,
		cut: () => {
			for (const socket of sockets) socket.destroy();
		},
		most: () => most,
		stop: async () => {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
	return proxy;
}
