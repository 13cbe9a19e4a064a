import { BackupError, toBackupError } from '../core/errors';
import { describeAddress, type RedisAddress, type RedisConnection } from './connection-settings';
import { withRedis } from './redis-client';
import { readServerInfo } from './server-info';

/** Hash slots of a Redis Cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
export const CLUSTER_SLOTS = 16384;

export interface SlotRange {
	readonly first: number;
	readonly last: number;
}

/** One server whose data is a part of the whole, or all of it. */
export interface DataServer {
	readonly address: RedisAddress;
	/** Of a cluster; empty elsewhere. */
	readonly slots: readonly SlotRange[];
	/** Why this server and no other, for people. */
	readonly chosen: string;
}

export type Purpose = 'read' | 'write';

type Deployment<M> = Extract<RedisConnection['deployment'], { mode: M }>;

/**
 * The servers that together hold all data: one, or the masters of a cluster. Behind Sentinels, reading prefers a replica that is in sync, so that the
 * master need not fork; writing needs the master.
 * @throws BackupError where there is none, or where slots of a cluster are served by nobody
 */
export async function findDataServers(connection: RedisConnection, purpose: Purpose, signal: AbortSignal): Promise<DataServer[]> {
	const { deployment } = connection;
	switch (deployment.mode) {
		case 'standalone':
			return [{ address: { host: deployment.host, port: deployment.port }, slots: [], chosen: 'the server of the credential' }];
		case 'sentinel':
			return [await behindSentinels(connection, deployment, purpose, signal)];
		case 'cluster':
			return await mastersOfCluster(connection, deployment, signal);
	}
}

/** Asks one after the other until one answers. */
async function askFirst<T>(addresses: readonly RedisAddress[], what: string, signal: AbortSignal, ask: (address: RedisAddress) => Promise<T>): Promise<T> {
	const problems: BackupError[] = [];
	for (const address of addresses) {
		try {
			return await ask(address);
		} catch (error) {
			if (signal.aborted) throw error;
			problems.push(toBackupError(error));
		}
	}
	const first = problems[0];
	if (problems.length === 1 && first) throw first;
	throw new BackupError(first?.code ?? 'SERVER_UNREACHABLE', `None of the ${addresses.length} ${what} could be asked. ${problems.map(({ message }) => message).join(' ')}`, first?.hint ?? 'Check the addresses in the credential.');
}

async function behindSentinels(connection: RedisConnection, deployment: Deployment<'sentinel'>, purpose: Purpose, signal: AbortSignal): Promise<DataServer> {
	const { sentinels, masterName, username, password } = deployment;
	return await askFirst(sentinels, 'Sentinels', signal, async (sentinel) => {
		const options = { signal, doing: `asking the Sentinel for "${masterName}"`, login: { username, password } };
		return await withRedis(connection, sentinel, options, async (client) => {
			const master = await client.call('SENTINEL', 'get-master-addr-by-name', masterName);
			if (!Array.isArray(master)) {
				throw new BackupError('SERVER_UNREACHABLE', `The Sentinel at ${describeAddress(sentinel)} does not know a master "${masterName}".`, 'Use the name from "sentinel monitor <name> …" in its configuration.');
			}
			const masterAddress = { host: String(master[0]), port: Number(master[1]) };
			if (purpose === 'read') {
				for (const replica of parseRecords(await client.call('SENTINEL', 'replicas', masterName))) {
					const found = await usableReplica(connection, replica, signal);
					if (found) return { address: found, slots: [], chosen: `a replica of "${masterName}" that is in sync` };
				}
			}
			await requireMaster(connection, masterAddress, masterName, signal);
			return { address: masterAddress, slots: [], chosen: `the master of "${masterName}"${purpose === 'read' ? ', because no replica is in sync' : ''}` };
		});
	});
}

/** Sentinel answers with flat lists of names and values. */
function parseRecords(reply: unknown): ReadonlyMap<string, string>[] {
	if (!Array.isArray(reply)) return [];
	return reply.map((record: unknown) => {
		if (!Array.isArray(record)) return new Map(Object.entries(record as Record<string, string>));
		const fields = new Map<string, string>();
		for (let at = 0; at + 1 < record.length; at += 2) fields.set(String(record[at]), String(record[at + 1]));
		return fields;
	});
}

/** What a Sentinel says may be old: the replica itself is asked. One that cannot be asked is passed over. */
async function usableReplica(connection: RedisConnection, record: ReadonlyMap<string, string>, signal: AbortSignal): Promise<RedisAddress | undefined> {
	const address = { host: record.get('ip') ?? '', port: Number(record.get('port')) };
	if (address.host === '' || /down|disconnected/.test(record.get('flags') ?? '') || record.get('master-link-status') !== 'ok') return undefined;
	try {
		const info = await withRedis(connection, address, { signal, doing: 'asking a replica' }, readServerInfo);
		return info.role === 'replica' && info.inSync && !info.loading ? address : undefined;
	} catch (error) {
		if (signal.aborted) throw error;
		return undefined;
	}
}

/** During a failover a Sentinel may still name the old one. */
async function requireMaster(connection: RedisConnection, address: RedisAddress, name: string, signal: AbortSignal): Promise<void> {
	const info = await withRedis(connection, address, { signal, doing: `asking the master of "${name}"` }, readServerInfo);
	if (info.role === 'master') return;
	throw new BackupError('SERVER_UNREACHABLE', `${describeAddress(address)}, which the Sentinel names as master of "${name}", is a replica now.`, 'A failover is going on. Try again in a minute.');
}

async function mastersOfCluster(connection: RedisConnection, { nodes }: Deployment<'cluster'>, signal: AbortSignal): Promise<DataServer[]> {
	return await askFirst(nodes, 'nodes of the cluster', signal, async (node) => {
		const reply = await withRedis(connection, node, { signal, doing: 'asking the cluster for its slots' }, async (client) => await client.call('CLUSTER', 'SLOTS'));
		const servers = new Map<string, { address: RedisAddress; slots: SlotRange[] }>();
		const covered = new Uint8Array(CLUSTER_SLOTS);
		for (const entry of Array.isArray(reply) ? (reply as unknown[]) : []) {
			if (!Array.isArray(entry) || !Array.isArray(entry[2])) continue;
			const [first, last] = [Number(entry[0]), Number(entry[1])];
			// A node that does not know its own address leaves the host out: it is the one that was asked.
			const host = typeof entry[2][0] === 'string' && entry[2][0] !== '' && entry[2][0] !== '?' ? entry[2][0] : node.host;
			const address = { host, port: Number(entry[2][1]) };
			const name = describeAddress(address);
			const server = servers.get(name) ?? { address, slots: [] };
			server.slots.push({ first, last });
			servers.set(name, server);
			covered.fill(1, first, last + 1);
		}
		requireAllSlots(covered);
		return [...servers.values()].map(({ address, slots }) => ({ address, slots: slots.sort((a, b) => a.first - b.first), chosen: 'a master of the cluster' })).sort((a, b) => firstSlot(a) - firstSlot(b));
	});
}

function firstSlot({ slots }: Pick<DataServer, 'slots'>): number {
	return slots[0]?.first ?? 0;
}

function requireAllSlots(covered: Uint8Array): void {
	const missing = covered.filter((served) => served === 0).length;
	if (missing === 0) return;
	throw new BackupError('SERVER_UNREACHABLE', `${missing} of the ${CLUSTER_SLOTS} slots of the cluster are served by nobody (the first is ${covered.indexOf(0)}): a backup would lack their keys.`, 'Repair the cluster first ("redis-cli --cluster check"), then back it up.');
}
