import { type RedisConnection, describeAddress } from './connection-settings';
import { withRedis } from './redis-client';
import { readServerInfo } from './server-info';
import { findDataServers } from './topology';

export interface RedisConnectionTest {
	readonly flavor: 'redis' | 'valkey';
	readonly serverVersion: string;
	/** The servers whose data would be backed up. */
	readonly servers: string[];
	readonly keys: number;
}

/** Finds the servers as a backup would, and asks each what it is. */
export async function testRedisConnection(connection: RedisConnection, signal: AbortSignal): Promise<RedisConnectionTest> {
	const servers = await findDataServers(connection, 'read', signal);
	const infos = [];
	for (const { address } of servers) infos.push(await withRedis(connection, address, { signal, doing: 'testing the connection' }, readServerInfo));
	return {
		flavor: infos[0]?.flavor ?? 'redis',
		serverVersion: infos[0]?.version ?? 'unknown',
		servers: servers.map(({ address }) => describeAddress(address)),
		keys: infos.flatMap(({ databases }) => databases).reduce((sum, { keys }) => sum + keys, 0),
	};
}
