import type { FoundBackup } from '../../catalog/find-backup';
import { VERIFICATION_LEVELS } from '../../catalog/verification';
import type { RestoreCheck } from '../../core/steps';
import { describeAddress, describeConnection, type RedisConnection } from '../connection-settings';
import { withRedis } from '../redis-client';
import { readServerInfo, type ServerInfo } from '../server-info';
import { type DataServer, findDataServers } from '../topology';
import type { RedisRestoreOptions } from './options';
import { newestRdbVersion } from './rdb-versions';

/** A server that is to be filled. */
export interface TargetServer {
	readonly server: DataServer;
	readonly info: ServerInfo;
	/** How many databases it has; undefined: it does not tell. */
	readonly databaseCount: number | undefined;
	readonly largestBulk: number | undefined;
	/** `repl-diskless-load` and `tls-replication`; undefined: it does not tell. */
	readonly disklessLoad: string | undefined;
	readonly tlsReplication: string | undefined;
}

export async function readTargets(connection: RedisConnection, signal: AbortSignal): Promise<TargetServer[]> {
	const targets: TargetServer[] = [];
	for (const server of await findDataServers(connection, 'write', signal)) {
		targets.push(
			await withRedis(connection, server.address, { signal, doing: 'checking the target' }, async (client) => {
				const number = (text: string | undefined) => (text === undefined ? undefined : Number(text) || undefined);
				return {
					server,
					info: await readServerInfo(client),
					databaseCount: number(await client.setting('databases')),
					largestBulk: number(await client.setting('proto-max-bulk-len')),
					disklessLoad: await client.setting('repl-diskless-load'),
					tlsReplication: await client.setting('tls-replication'),
				};
			}),
		);
	}
	return targets;
}

export function keysIn(targets: readonly TargetServer[]): number {
	return targets.flatMap(({ info }) => info.databases).reduce((sum, { keys }) => sum + keys, 0);
}

/** What a person types to confirm: the server's address, the name of the master, or the first node. */
export function confirmationText(connection: RedisConnection): string {
	const { deployment } = connection;
	return deployment.mode === 'cluster' ? deployment.nodes.map(describeAddress)[0] ?? '' : describeConnection(connection);
}

const passed = (check: string, detail: string): RestoreCheck => ({ check, state: 'passed', detail });
const warning = (check: string, detail: string, hint: string): RestoreCheck => ({ check, state: 'warning', detail, hint });
const failed = (check: string, code: RestoreCheck['code'], detail: string, hint: string): RestoreCheck => ({ check, state: 'failed', code, detail, hint });

/** What the catalog knows of the backup. */
export function checkVerification({ summary }: FoundBackup, minimum: RedisRestoreOptions['minimumVerification']): RestoreCheck {
	const level = summary.verified?.level;
	const check = 'Verification';
	if (summary.status === 'damaged') return failed(check, 'ARTIFACT_DAMAGED', summary.problem ?? 'The backup is damaged.', 'Use another backup.');
	const rank = (name: (typeof VERIFICATION_LEVELS)[number] | undefined) => (name === undefined ? -1 : VERIFICATION_LEVELS.indexOf(name));
	if (minimum !== 'none' && rank(level) < rank(minimum)) {
		return failed(check, 'NOT_VERIFIED', `The backup ${level === undefined ? 'has never been verified' : `is verified only to the level "${level}"`}, and "${minimum}" is asked for.`, 'Verify it first with the node Verify Backup, or lower the minimum.');
	}
	return passed(check, level === undefined ? 'It has not been verified before; all of it is checked before the first key is written.' : `Verified: ${level}.`);
}

/** What must hold of any running server that is written to. */
export function checkTargets(options: RedisRestoreOptions, connection: RedisConnection, targets: readonly TargetServer[], sourceBytes: number): RestoreCheck[] {
	return [
		...targets.flatMap((target) => checkOne(target, connection, options.target.mode)),
		checkMemory(targets, sourceBytes),
		checkPersistence(targets),
		checkEmpty(options, connection, targets),
	];
}

function checkOne({ server, info }: TargetServer, connection: RedisConnection, mode: RedisRestoreOptions['target']['mode']): RestoreCheck[] {
	const place = describeAddress(server.address);
	const check = `Target ${place}`;
	if (info.sentinel) return [failed(check, 'INVALID_INPUT', `${place} is a Sentinel.`, 'Choose the mode Sentinel in the credential, or the server itself.')];
	if (info.role === 'replica') return [failed(check, 'INVALID_INPUT', `${place} is a replica: what is written there would be lost.`, 'Restore into its master.')];
	if (info.loading) return [failed(check, 'SERVER_UNREACHABLE', `${place} is loading its data.`, 'Wait until it has finished.')];
	if (info.clusterEnabled && connection.deployment.mode !== 'cluster') {
		return [failed(check, 'INVALID_INPUT', `${place} is a node of a cluster and takes only a part of the keys.`, 'Choose the mode Cluster in the credential.')];
	}
	if (connection.deployment.mode === 'sentinel' && mode === 'replace') {
		return [failed(check, 'INVALID_INPUT', `Sentinels watch ${place}: they would take it for a failed master while it is replaced.`, 'Restore key by key.')];
	}
	if (info.clusterEnabled && mode === 'replace') {
		return [failed(check, 'INVALID_INPUT', `${place} is a node of a cluster, where nothing can be replaced by REPLICAOF.`, 'Restore key by key.')];
	}
	return [passed(check, `${info.flavor === 'valkey' ? 'Valkey' : 'Redis'} ${info.version}, a master.`)];
}

/** A rough measure: what the source used against what the target may still use. */
function checkMemory(targets: readonly TargetServer[], sourceBytes: number): RestoreCheck {
	const check = 'Memory';
	if (targets.some(({ info }) => info.maxMemory === 0)) return passed(check, 'The target has no limit of its own (maxmemory 0).');
	const free = targets.reduce((sum, { info }) => sum + Math.max(0, info.maxMemory - info.usedMemory), 0);
	const policies = [...new Set(targets.map(({ info }) => info.evictionPolicy))].join(', ');
	const detail = `The source used ${sourceBytes} bytes of memory; the target may use ${free} more (maxmemory), then ${policies}.`;
	if (sourceBytes <= free) return passed(check, detail);
	return warning(check, detail, policies === 'noeviction' ? 'It may run out of memory, and the restore would stop there. Raise maxmemory.' : 'It may drop keys to make room ("maxmemory-policy"). Raise maxmemory, or set "noeviction" for the restore.');
}

function checkPersistence(targets: readonly TargetServer[]): RestoreCheck {
	const appendOnly = targets.filter(({ info }) => info.appendOnly).length;
	if (appendOnly === 0) return passed('Persistence', 'The target keeps no append-only file; see that it saves snapshots ("save"), or it forgets what was restored when it restarts.');
	return passed('Persistence', `${appendOnly} of ${targets.length} servers keep an append-only file, which takes up what is restored as it takes up any write.`);
}

function checkEmpty(options: RedisRestoreOptions, connection: RedisConnection, targets: readonly TargetServer[]): RestoreCheck {
	const keys = keysIn(targets);
	const text = confirmationText(connection);
	const check = 'Confirmation';
	if (keys === 0) return passed(check, 'The target is empty.');
	const what = options.target.mode === 'replace' ? 'all of which would be replaced' : options.target.mode === 'keys' && options.target.existing === 'keep' ? 'which would be kept' : 'those of the same name would be overwritten';
	if (options.dryRun) return passed(check, `The target holds ${keys} keys, ${what}: to carry this out, type ${text}.`);
	if (options.confirmation === text) return passed(check, `The target holds ${keys} keys, ${what}; confirmed.`);
	return failed(check, 'NOT_CONFIRMED', `The target holds ${keys} keys, ${what}, and ${options.confirmation === '' ? 'nothing was typed' : 'what was typed is something else'}.`, `Type exactly: ${text}`);
}

/** What the RDBs hold against what the target can take. */
export function checkContents(
	contents: { readonly rdbVersion: number; readonly serverVersion: string; readonly flavor: 'redis' | 'valkey'; readonly modules: readonly string[]; readonly databases: readonly { readonly index: number; readonly keys: number }[]; readonly largestValue: number; readonly moduleValues: number; readonly rdbs: number },
	target: RedisRestoreOptions['target'],
	targets: readonly TargetServer[],
): RestoreCheck[] {
	return targets.flatMap(({ server, info, databaseCount, largestBulk, disklessLoad, tlsReplication }) => {
		const place = describeAddress(server.address);
		const checks: RestoreCheck[] = [];
		if (target.mode === 'replace') {
			if (contents.rdbs > 1) checks.push(failed('Cluster', 'INVALID_INPUT', 'The backup is that of a cluster and has one snapshot for each master.', 'Restore it key by key, or to files.'));
			if (tlsReplication === 'yes') checks.push(failed(`Replication of ${place}`, 'INVALID_INPUT', `${place} replicates over TLS only ("tls-replication yes"), which this job cannot serve.`, 'Restore key by key, or set tls-replication to no for the restore.'));
			if (disklessLoad === 'flush-before-load') checks.push(failed(`Replication of ${place}`, 'INVALID_INPUT', `${place} drops its data before it receives the new ("repl-diskless-load flush-before-load").`, 'CONFIG SET repl-diskless-load disabled for the restore, so that a failure leaves the old data.'));
		}
		const newest = newestRdbVersion(info, contents);
		checks.push(
			contents.rdbVersion <= newest
				? passed(`Format for ${place}`, `RDB version ${contents.rdbVersion}; the target reads up to ${newest === Number.POSITIVE_INFINITY ? 'that of its own version' : newest}.`)
				: failed(`Format for ${place}`, 'SERVER_VERSION', `The backup has RDB version ${contents.rdbVersion}, and ${place} (${info.flavor} ${info.version}) reads only up to ${newest}.`, 'Restore into a server of the same or a newer version.'),
		);
		const missing = contents.modules.filter((name) => !info.modules.some((loaded) => loaded.toLowerCase() === name.toLowerCase()));
		if (contents.moduleValues > 0 && target.mode === 'keys') {
			checks.push(failed(`Modules for ${place}`, 'EXTENSION_MISSING', `The backup holds ${contents.moduleValues} values of the modules ${contents.modules.join(', ')}, which cannot be restored key by key.`, 'Use the way "file" into a server with these modules.'));
		} else if (missing.length > 0 && target.mode === 'replace') {
			checks.push(failed(`Modules for ${place}`, 'EXTENSION_MISSING', `The backup holds data of the modules ${contents.modules.join(', ')}; whether the target has them cannot be told from here, and a server without them ends while it loads.`, 'Use the way "file" into a server with these modules.'));
		}
		const clustered = info.clusterEnabled ? 1 : databaseCount;
		const chosen = contents.databases.filter(({ index, keys }) => keys > 0 && (target.mode !== 'keys' || target.databases.length === 0 || target.databases.includes(index)));
		const beyond = chosen.filter(({ index }) => clustered !== undefined && index >= clustered);
		if (beyond.length > 0) checks.push(failed(`Databases of ${place}`, 'INVALID_INPUT', `The backup holds database ${beyond.map(({ index }) => index).join(', ')}, and the target has only ${String(clustered)}.`, info.clusterEnabled ? 'A cluster has database 0 only: choose that one.' : 'Raise "databases" in its configuration, or choose others.'));
		const limit = largestBulk ?? 512 * 1024 * 1024;
		if (target.mode === 'keys' && contents.largestValue + 16 > limit) {
			checks.push(failed(`Large values for ${place}`, 'INVALID_INPUT', `The largest value has ${contents.largestValue} bytes, and the target takes at most ${limit} in one command ("proto-max-bulk-len").`, 'Raise that setting for the restore, or use the way "replace" or "file".'));
		}
		return checks;
	});
}
