import { lookup } from 'node:dns/promises';
import { pause } from '../../core/abortable';
import { BackupError, toBackupError } from '../../core/errors';
import type { JobContext } from '../../core/context';
import { describeAddress, type RedisAddress, type RedisConnection } from '../connection-settings';
import { type RedisClient, withRedis } from '../redis-client';
import { RedisSocket } from '../wire/redis-socket';
import type { RedisRestoreTarget } from './options';
import { plainAddress, ReplicationServer } from './replication-server';
import type { CheckedRdb } from './restore-keys';
import { readRdb } from './stored-rdb';
import type { TargetServer } from './target-checks';

const POLL_MS = 100;
/** A replica whose transfer broke asks again; after so many the cause does not go away by itself. */
const MOST_TRANSFERS = 3;
/** How long the target may take to be told that it is a master again, after a failure too. */
const DETACH_MS = 15_000;

export interface ReplaceRequest {
	readonly connection: RedisConnection;
	readonly target: TargetServer;
	readonly rdb: CheckedRdb;
	readonly ways: Extract<RedisRestoreTarget, { mode: 'replace' }>;
}

/**
 * Replaces all data of a running server at once: for a moment it is the replica of this job, which sends it the RDB. Until the last byte has arrived it keeps
 * its old data, and goes back to it when anything fails.
 */
export async function replaceAll({ connection, target, rdb, ways }: ReplaceRequest, context: JobContext): Promise<void> {
	const { address } = target.server;
	const { signal } = context;
	const announced = await reachableAt(connection, address, ways.announce.host, signal);
	const served = { bytes: rdb.report.bytes, open: () => readRdb(rdb.rdb, context, `Sending ${rdb.rdb.artifact.name}`) };
	const master = await ReplicationServer.listen(served, ways.listen, await addressesOf(address, announced.from), context.randomBytes(20).toString('hex'), signal);
	const port = ways.announce.port === 0 ? master.port : ways.announce.port;
	try {
		await withRedis(connection, address, { signal, doing: 'replacing the data' }, async (client) => {
			await client.call('REPLICAOF', announced.host, String(port));
			await untilLoaded(client, master, { address, announced: describeAddress({ host: announced.host, port }), seconds: connection.idleTimeoutSeconds }, context);
		});
		await detach(connection, address, undefined);
	} catch (error) {
		await detach(connection, address, toBackupError(error));
		throw error;
	} finally {
		// Only now: a replica whose master has gone would look for it.
		await master.close();
	}
}

/** Makes the target a master again. It does so whatever happened; where it cannot, a person must. */
async function detach(connection: RedisConnection, address: RedisAddress, cause: BackupError | undefined): Promise<void> {
	try {
		await withRedis(connection, address, { signal: AbortSignal.timeout(DETACH_MS), doing: 'making it a master again' }, async (client) => await client.call('REPLICAOF', 'NO', 'ONE'));
	} catch (error) {
		const place = describeAddress(address);
		throw new BackupError(
			'RESTORE_FAILED',
			`Redis at ${place} could not be made a master again: ${toBackupError(error).message}${cause ? ` Before: ${cause.message}` : ''}`,
			`As soon as it can be reached: redis-cli -h ${address.host} -p ${address.port} REPLICAOF NO ONE. Until then it takes no writes.`,
			{ cause: error },
		);
	}
}

async function untilLoaded(client: RedisClient, master: ReplicationServer, place: { readonly address: RedisAddress; readonly announced: string; readonly seconds: number }, context: JobContext): Promise<void> {
	let seen = '';
	let since = performance.now();
	for (;;) {
		if (master.failure) throw master.failure;
		const state = await replicationState(client);
		if (state.up && master.acknowledged) return;
		if (master.transfers > MOST_TRANSFERS) {
			throw new BackupError('RESTORE_FAILED', `Redis at ${describeAddress(place.address)} broke off receiving its new data ${MOST_TRANSFERS} times. It has its old data.`, "See its log for the reason (disk full, no memory, a format that it cannot read).");
		}
		const moved = `${master.sent} ${state.loaded} ${master.transfers}`;
		if (moved !== seen) {
			seen = moved;
			since = performance.now();
		} else if (performance.now() - since > place.seconds * 1000) {
			throw stuck(master, place);
		}
		context.progress({ step: state.loading ? 'The target is loading' : 'The target is receiving' });
		await pause(POLL_MS, context.signal);
	}
}

function stuck(master: ReplicationServer, place: { readonly address: RedisAddress; readonly announced: string; readonly seconds: number }): BackupError {
	const server = `Redis at ${describeAddress(place.address)}`;
	if (master.refused.size > 0 && master.transfers === 0) {
		return new BackupError('SERVER_UNREACHABLE', `${server} was to come from its own address, and ${[...master.refused].join(', ')} came instead, to whom nothing was given. It has its old data.`, 'An address translation stands between. Restore key by key, which needs no connection from the target.');
	}
	if (master.transfers === 0) {
		return new BackupError('SERVER_UNREACHABLE', `${server} did not connect to this job at ${place.announced} for ${place.seconds} seconds. It has its old data.`, 'Set the address and port under which the target reaches this machine, and open the port; or restore key by key, which needs no connection from the target.');
	}
	return new BackupError('TIMED_OUT', `${server} has not gone on for ${place.seconds} seconds while it received or loaded its new data.`, 'See its log.');
}

/** While it loads, Redis answers INFO only. */
async function replicationState(client: RedisClient): Promise<{ up: boolean; loading: boolean; loaded: string }> {
	const text = `${await client.text('INFO', 'replication')}\n${await client.text('INFO', 'persistence')}`;
	return { up: /^master_link_status:up/m.test(text), loading: /^(async_)?loading:1/m.test(text), loaded: /^loading_loaded_bytes:(\d+)/m.exec(text)?.[1] ?? '' };
}

/** The address by which the target can reach us: the one by which we reach it, unless told. `from`: the other end of that way. */
async function reachableAt(connection: RedisConnection, address: RedisAddress, told: string, signal: AbortSignal): Promise<{ host: string; from: string }> {
	const probe = await RedisSocket.open(connection, address, { signal, doing: 'finding the way to the target' });
	try {
		return { host: told === '' ? plainAddress(probe.socket.localAddress ?? '') : told, from: plainAddress(probe.socket.remoteAddress ?? '') };
	} finally {
		probe.close();
	}
}

async function addressesOf({ host }: RedisAddress, connected: string): Promise<Set<string>> {
	const found = new Set([connected]);
	for (const { address } of await lookup(host, { all: true }).catch(() => [])) found.add(address);
	// A server on this machine may come from any of its loopback addresses.
	if ([...found].some((address) => address === '::1' || address.startsWith('127.'))) for (const address of ['127.0.0.1', '::1']) found.add(address);
	return found;
}
