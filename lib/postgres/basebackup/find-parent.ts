import { hasKeyFor, keyMissing, requireSameKeys } from '../../backup/artifact-keys';
import { readArtifact } from '../../backup/read-artifact';
import { secondOf } from '../../catalog/backup-id';
import { readChain } from '../../catalog/chain';
import { walkBackups } from '../../catalog/list-backups';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { BackupSummary } from '../../catalog/summary';
import type { JobContext } from '../../core/context';
import { BackupError, toBackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import type { PostgresConnection } from '../connection-settings';
import { parseLsn } from '../replication/lsn';
import { type ReplicationSession, withReplication } from '../replication/replication-session';
import { sqlState } from '../server-error';
import { MANIFEST_ROLE } from './roles';
import { readServerFacts, type ServerFacts } from './server-facts';

/** The first with native incremental base backups. */
const OLDEST_INCREMENTAL_MAJOR = 17;
const PERMISSION_DENIED = '42501';

export interface ParentSearch {
	readonly connection: PostgresConnection;
	readonly sourceName: string;
	/** So many incremental backups may follow a full one; the next is full again. */
	readonly mostIncrementals: number;
	/** What to do where there is no usable one. */
	readonly whenImpossible: 'full' | 'fail';
}

/** The backup that an incremental one builds on, and its chain, the full one first. */
export interface Parent {
	readonly manifest: Manifest;
	readonly chain: readonly Manifest[];
	readonly serverManifest: Artifact;
}

/** A parent, or why the backup must be a full one. `expected`: as planned, nothing to warn of. */
export type ParentOrReason = { readonly parent: Parent } | { readonly parent?: undefined; readonly reason: string; readonly expected: boolean };

const ABOUT_THE_PARENT = ['CHAIN_INCOMPLETE', 'ARTIFACT_DAMAGED', 'KEY_MISSING', 'KEY_WRONG', 'MANIFEST_INVALID', 'MANIFEST_TOO_NEW', 'OBJECT_NOT_FOUND', 'BACKUP_NOT_FOUND', 'INCREMENTAL_REFUSED'];

/**
 * The newest base backup of the server that an incremental one can build on. What cannot be used is said, never passed over in silence.
 * @throws BackupError what is in the way, where `whenImpossible` is `fail`
 */
export async function findParent(store: Store, search: ParentSearch, context: JobContext): Promise<ParentOrReason> {
	const { connection, sourceName, whenImpossible } = search;
	try {
		const session = { signal: context.signal, applicationName: 'backup-recovery base backup', doing: 'looking whether an incremental backup is possible' };
		return await withReplication(connection, session, async (replication) => {
			const facts = await readServerFacts(replication);
			requireIncremental(facts);
			const newest = await newestBackup(store, sourceName);
			if (!newest) {
				if (whenImpossible === 'fail') throw refused('there is no earlier base backup of this server in the store', 'Take a full one first.');
				return { reason: 'there is no earlier base backup of this server', expected: true };
			}
			const { manifest, summary } = newest;
			if (summary.status === 'damaged') throw new BackupError('ARTIFACT_DAMAGED', `The newest backup, ${manifest.id}, is damaged. ${summary.problem ?? ''}`.trim(), 'Make a full backup.');
			const chain = await readChain(store, manifest);
			if (chain.length > search.mostIncrementals) return { reason: `${chain.length - 1} incremental backups follow the full one, which is as many as may`, expected: true };
			requireSameKeys(chain, context.keys);
			await requireSameServer(replication, facts, manifest);
			return { parent: { manifest, chain, serverManifest: await readableManifest(store, manifest, context) } };
		});
	} catch (error) {
		const problem = toBackupError(error);
		if (!ABOUT_THE_PARENT.includes(problem.code) || whenImpossible === 'fail') throw problem;
		return { reason: `${problem.message} ${problem.hint}`, expected: false };
	}
}

/** Why the server takes no incremental backup, as an error. */
export function refused(why: string, hint: string, cause?: unknown): BackupError {
	return new BackupError('INCREMENTAL_REFUSED', `An incremental base backup is not possible: ${why}.`, hint, { cause });
}

function requireIncremental({ major, version, summarizesWal }: ServerFacts): void {
	if (major < OLDEST_INCREMENTAL_MAJOR) {
		throw refused(`the server is PostgreSQL ${version}, and only ${OLDEST_INCREMENTAL_MAJOR} and newer can`, 'Use "Archive WAL" between full base backups instead: it stores what changed since then.');
	}
	if (!summarizesWal) throw refused('the server does not summarize its WAL', 'Set summarize_wal = on (ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();), then take a full one; incremental ones can follow it.');
}

/** Ids tell times to the second only, so the newest of those within one second is the one that says so. */
async function newestBackup(store: Store, sourceName: string): Promise<{ manifest: Manifest; summary: BackupSummary } | undefined> {
	let newest: { manifest: Manifest; summary: BackupSummary } | undefined;
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', source: sourceName, kinds: ['base', 'incremental'] })) {
		if (!manifest?.basebackup) continue;
		if (newest && secondOf(newest.manifest.id) !== secondOf(manifest.id)) break;
		if (!newest || manifest.startedAt > newest.manifest.startedAt) newest = { manifest, summary };
	}
	return newest;
}

async function requireSameServer(session: ReplicationSession, facts: ServerFacts, manifest: Manifest): Promise<void> {
	const { basebackup, id } = manifest;
	if (basebackup?.systemIdentifier !== facts.systemIdentifier) {
		throw refused(`backup ${id} is one of another server (system identifier ${basebackup?.systemIdentifier ?? 'unknown'}, not ${facts.systemIdentifier})`, 'Take a full one. If this is not the server that was meant, check the credential and the name.');
	}
	if (Math.floor(basebackup.serverVersionNumber / 10_000) !== facts.major) throw refused(`backup ${id} is one of another major version`, 'Take a full one.');
	const oldest = await oldestSummary(session);
	if (oldest !== undefined && parseLsn(oldest) > parseLsn(basebackup.startLsn)) {
		throw refused(`the server has WAL summaries from ${oldest} on only, and backup ${id} began at ${basebackup.startLsn}`, 'Take a full one, and raise wal_summary_keep_time, or take incremental ones more often.');
	}
}

/** Undefined where there are none yet, or where the role may not know: the server itself refuses what is not there. */
async function oldestSummary(session: ReplicationSession): Promise<string | undefined> {
	try {
		const [row] = await session.query<{ oldest: string | null }>('SELECT min(start_lsn)::text AS oldest FROM pg_catalog.pg_available_wal_summaries()');
		return row?.oldest ?? undefined;
	} catch (error) {
		if (sqlState(error) === PERMISSION_DENIED) return undefined;
		throw error;
	}
}

/** Reads the parent's manifest to its end once: a missing key or damage must show before the backup begins. */
async function readableManifest(store: Store, manifest: Manifest, { signal, keys }: JobContext): Promise<Artifact> {
	const artifact = manifest.artifacts.find(({ role }) => role === MANIFEST_ROLE);
	if (!artifact) throw new BackupError('MANIFEST_INVALID', `Backup ${manifest.id} has no manifest of the server.`, 'Take a full one.');
	if (!hasKeyFor(artifact, keys)) throw keyMissing(manifest, artifact);
	for await (const chunk of readArtifact(store, manifest, artifact, { signal, keys })) void chunk;
	return artifact;
}
