import type { BackupDraft, DraftOutcome } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { RedisDetails, RedisSnapshotDetails } from '../catalog/redis-manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { describeAddress, describeConnection, type RedisConnection } from './connection-settings';
import { damagedSnapshot } from './damaged';
import { type RdbReport, totalKeys } from './rdb/rdb-report';
import { walked } from './rdb/walk-rdb';
import { withRedis } from './redis-client';
import { readServerInfo, type ServerInfo } from './server-info';
import { snapshotInstructions } from './snapshot-instructions';
import { sumDatabases } from './sum-databases';
import { type DataServer, findDataServers } from './topology';
import { receiveRdb } from './wire/receive-rdb';

export interface SnapshotOptions {
	readonly connection: RedisConnection;
	/** What tells this server's backups from those of others; empty: its address, or the master's name. */
	readonly name: string;
	readonly compressionLevel: number;
	/** Keys of the server are about to be overwritten: published as kind `safety`. */
	readonly safety?: boolean;
	readonly lockWaitSeconds: number;
	readonly note?: string;
}

interface Taken {
	readonly server: DataServer;
	readonly info: ServerInfo;
	readonly artifact: Artifact;
	readonly details: RedisSnapshotDetails;
}

/**
 * Backs Redis up: the RDB that a master sends to a replica, checked byte by byte while it streams into the store. Of a cluster, one for each master.
 * @throws BackupError; nothing is published then
 */
export async function takeSnapshot(options: SnapshotOptions, store: Store, context: JobContext): Promise<Manifest> {
	const { connection, lockWaitSeconds, note, safety = false } = options;
	const name = options.name === '' ? describeConnection(connection) : options.name;
	const publish = { store, context, component: 'redis' as const, kind: safety ? ('safety' as const) : ('full' as const), sourceName: name, lockWaitSeconds, ...(note === undefined ? {} : { note }) };
	return await publishBackup(publish, async (draft) => {
		context.progress({ step: `Connecting to Redis (${name})` });
		const servers = await findDataServers(connection, 'read', draft.signal);
		const taken: Taken[] = [];
		for (const server of servers) taken.push(await takeOne(options, server, servers.length > 1, draft, context));
		return outcome(name, connection, taken, draft);
	});
}

async function takeOne(options: SnapshotOptions, server: DataServer, several: boolean, draft: BackupDraft, context: JobContext): Promise<Taken> {
	const { connection } = options;
	const { address } = server;
	const { signal } = draft;
	const place = describeAddress(address);
	const info = await withRedis(connection, address, { signal, doing: 'reading what the server is' }, readServerInfo);
	requireSource(info, place, connection);
	const artifactName = several ? `dump-slot-${server.slots[0]?.first ?? 0}.rdb.zst` : 'dump.rdb.zst';
	const step = `Taking the snapshot of ${place} (${server.chosen})`;
	let report: RdbReport | undefined;
	let artifact: Artifact;
	try {
		artifact = await receiveRdb({ connection, address, signal, progress: context.progress }, async ({ bytes }) => {
			return await draft.writeArtifact(
				{
					name: artifactName,
					role: 'rdb',
					mediaType: 'application/x-redis-rdb',
					compression: { algorithm: 'zstd', level: options.compressionLevel },
					expectedBytes: info.usedMemory,
					onSourceBytes: (done) => context.progress({ step, done, unit: 'bytes' }),
				},
				walked(bytes, (found) => (report = found)),
			);
		});
	} catch (error) {
		throw damagedSnapshot(error, place);
	}
	if (!report) throw new BackupError('INTERNAL', `The snapshot of ${place} was written and not checked.`, 'This is an error of the package. Report it with the message above.');
	for (const warning of warnings(report, info, place)) draft.warn(warning);
	return { server, info, artifact, details: snapshotDetails(artifact.name, server, info, report) };
}

/** What would be no backup, or not the one that was meant. */
function requireSource(info: ServerInfo, place: string, { deployment }: RedisConnection): void {
	if (info.sentinel) {
		throw new BackupError('INVALID_INPUT', `${place} is a Sentinel, which holds no data.`, 'Choose the mode Sentinel in the credential and name the master, or use the address of the Redis server itself.');
	}
	if (info.clusterEnabled && deployment.mode !== 'cluster') {
		throw new BackupError('INVALID_INPUT', `${place} is a node of a cluster: it holds only a part of the keys.`, 'Choose the mode Cluster in the credential, so that every master is backed up.');
	}
	if (!info.clusterEnabled && deployment.mode === 'cluster') {
		throw new BackupError('INVALID_INPUT', `${place} is not a node of a cluster.`, 'Choose the mode Standalone or Sentinel in the credential.');
	}
	if (!info.inSync) {
		throw new BackupError('SERVER_UNREACHABLE', `${place} is a replica that is not in sync with its master: its data may be old.`, 'Back up from the master, or repair the replication first.');
	}
}

function warnings(report: RdbReport, info: ServerInfo, place: string): string[] {
	const found: string[] = [];
	if (!report.checksummed) found.push(`${place} writes no checksums into its snapshots ("rdbchecksum no"): the structure was checked, single wrong bytes inside values cannot be found.`);
	if (report.modules.length > 0) found.push(`The snapshot of ${place} holds data of the modules ${report.modules.join(', ')}: it can be restored only into a server that has them, and only as a file.`);
	if (info.databases.length > 0 && report.databases.length === 0) found.push(`${place} said before that it holds keys, and its snapshot holds none.`);
	return found;
}

function snapshotDetails(artifact: string, { address, slots }: DataServer, info: ServerInfo, report: RdbReport): RedisSnapshotDetails {
	const created = Number(report.aux.ctime);
	return {
		artifact,
		host: address.host,
		port: address.port,
		role: info.role,
		takenAt: Number.isFinite(created) ? new Date(created * 1000).toISOString() : null,
		rdbVersion: report.version,
		checksummed: report.checksummed,
		databases: report.databases.map((database) => ({ ...database })),
		types: { ...report.types },
		functionLibraries: report.functionLibraries,
		modules: [...report.modules],
		largestValue: report.largestValue,
		slots: slots.map((range) => ({ ...range })),
	};
}

function outcome(name: string, connection: RedisConnection, taken: readonly Taken[], draft: BackupDraft): DraftOutcome {
	const first = taken[0];
	if (!first) throw new BackupError('SERVER_UNREACHABLE', `${name} has no server that holds data.`, 'Check the credential.');
	const redis: RedisDetails = {
		flavor: first.info.flavor,
		rdbVersion: Math.max(...taken.map(({ details }) => details.rdbVersion)),
		databases: sumDatabases(taken.map(({ details }) => details.databases)).map((database) => ({ ...database })),
		deployment: connection.deployment.mode,
		snapshots: taken.map(({ details }) => details),
	};
	if (totalKeys(redis.databases) === 0) draft.warn('The snapshot holds no keys at all.');
	const { host, port } = first.server.address;
	return {
		source: { type: 'redis', name, host, port, serverVersion: first.info.version, serverMajor: first.info.major },
		redis,
		instructions: snapshotInstructions({ id: draft.id, name, info: first.info, details: redis, artifacts: taken.map(({ artifact }) => artifact) }),
	};
}
