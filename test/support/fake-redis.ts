import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { redisConnectionSchema, type RedisConnection } from '../../lib/redis/connection-settings';
import { parseCommand } from '../../lib/redis/restore/parse-command';

export interface FakeRedis {
	readonly connection: RedisConnection;
	readonly commands: string[][];
	/** Connections that are open now. */
	readonly open: ReadonlySet<Socket>;
	stop(): Promise<void>;
}

const INFO = 'redis_version:7.0.15\r\nrole:master\r\nloading:0\r\n';

/** A server that answers as `answer` says (undefined: as a healthy Redis would), to play what a real one does only in bad luck. */
export async function fakeRedis(answer: (args: string[], socket: Socket) => string | undefined): Promise<FakeRedis> {
	const open = new Set<Socket>();
	const commands: string[][] = [];
	const server: Server = createServer((socket) => {
		open.add(socket);
		socket.on('error', () => undefined);
		socket.on('close', () => open.delete(socket));
		let received: Buffer = Buffer.alloc(0);
		socket.on('data', (chunk: Buffer) => {
			received = Buffer.concat([received, chunk]);
			for (let parsed = parseCommand(received); parsed; parsed = parseCommand(received)) {
				received = received.subarray(parsed.bytes);
				const args = [...parsed.args];
				commands.push(args);
				const said = answer(args, socket);
				if (said !== undefined) socket.write(Buffer.from(said, 'latin1'));
				else if (args[0]?.toUpperCase() === 'INFO') socket.write(`$${INFO.length}\r\n${INFO}\r\n`);
				else socket.write('+OK\r\n');
			}
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as { port: number };
	return {
		connection: redisConnectionSchema.parse({ deployment: { mode: 'standalone', host: '127.0.0.1', port }, idleTimeoutSeconds: 1 }),
		commands,
		open,
		stop: async () => {
			for (const socket of open) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}
