import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { RedisConnection } from '../connection-settings';
import { damagedArtifact } from '../damaged';
import type { RdbReport } from '../rdb/rdb-report';
import { RdbWalker } from '../rdb/walk-rdb';
import { CommandLink } from './command-link';
import { hashSlot } from './hash-slot';
import type { RedisRestoreTarget } from './options';
import { type KeyPolicy, type KeyRouter, RestoreCommands, type RestoreCounts } from './restore-commands';
import { readRdb, type StoredRdb } from './stored-rdb';
import type { TargetServer } from './target-checks';
import { CLUSTER_SLOTS } from '../topology';

/** How much of an RDB is turned into commands before the sockets are waited for: more would only gather in memory. */
const PIECE_BYTES = 256 * 1024;

export interface CheckedRdb {
	readonly rdb: StoredRdb;
	readonly report: RdbReport;
}

/** Restores every chosen key of checked RDBs into running servers. What was restored stays when it fails in the middle. */
export async function restoreKeys(
	request: { readonly connection: RedisConnection; readonly targets: readonly TargetServer[]; readonly rdbs: readonly CheckedRdb[]; readonly target: Extract<RedisRestoreTarget, { mode: 'keys' }> },
	counts: RestoreCounts,
	context: JobContext,
): Promise<void> {
	const { target } = request;
	const policy: KeyPolicy = {
		existing: target.existing,
		patterns: target.patterns.map((pattern) => Buffer.from(pattern)),
		databases: new Set(target.databases),
		functions: target.functions,
		now: () => context.now().getTime(),
	};
	const links: CommandLink[] = [];
	try {
		for (const { server } of request.targets) links.push(await CommandLink.open(request.connection, server.address, context.signal));
		const router = routerOver(links, request.targets);
		for (const { rdb, report } of request.rdbs) {
			await restoreOne(rdb, new RdbWalker(new RestoreCommands(report, policy, router, counts)), links, context);
			// The next RDB begins at database 0, and its commands know nothing of what these links have chosen.
			for (const link of links) {
				link.command(['SELECT', '0'], () => undefined);
				await link.flush(true);
			}
		}
	} finally {
		for (const link of links) link.close();
	}
}

async function restoreOne(rdb: StoredRdb, walker: RdbWalker, links: readonly CommandLink[], context: JobContext): Promise<void> {
	try {
		for await (const chunk of readRdb(rdb, context, `Restoring ${rdb.artifact.name}`)) {
			for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
				walker.push(chunk.subarray(at, at + PIECE_BYTES));
				for (const link of links) await link.flush();
			}
		}
		walker.finish();
	} catch (error) {
		throw damagedArtifact(error, rdb.artifact.name, rdb.manifest.id);
	}
	for (const link of links) await link.flush(true);
}

/** One server takes everything; in a cluster each key goes to the master of its slot. */
function routerOver(links: readonly CommandLink[], targets: readonly TargetServer[]): KeyRouter {
	const [only] = links;
	if (!only) throw new BackupError('SERVER_UNREACHABLE', 'There is no server to restore into.', 'Check the credential.');
	if (!targets.some(({ server }) => server.slots.length > 0)) return { links, linkOf: () => only };
	const bySlot = new Array<CommandLink>(CLUSTER_SLOTS).fill(only);
	targets.forEach(({ server }, at) => {
		for (const { first, last } of server.slots) bySlot.fill(links[at] ?? only, first, last + 1);
	});
	return { links, linkOf: (key) => bySlot[hashSlot(key)] ?? only };
}
