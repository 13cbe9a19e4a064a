import type { BackupDraft, DraftOutcome } from '../../backup/draft';
import { publishBackup } from '../../backup/publish';
import { readArtifact } from '../../backup/read-artifact';
import { withChainInUse } from '../../backup/use-chain';
import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { backupSource } from '../backup-source';
import type { PostgresConnection } from '../connection-settings';
import { withReplication } from '../replication/replication-session';
import { findParent, type Parent, type ParentOrReason } from './find-parent';
import { basebackupInstructions } from './instructions';
import { type ReceivedBackup, receiveBackup } from './receive-backup';

export interface BaseBackupOptions {
	readonly connection: PostgresConnection;
	/** `incremental`: what changed since the newest one of the same name. */
	readonly mode: 'full' | 'incremental';
	/** So many incremental backups may follow a full one, then the next is full. */
	readonly mostIncrementals: number;
	/** Incremental, where it is not possible: a full one with a warning, or an error. */
	readonly whenImpossible: 'full' | 'fail';
	/** What tells this server's backups from those of others; empty: its address. */
	readonly name: string;
	readonly checkpoint: 'fast' | 'spread';
	/** null: as fast as it goes. */
	readonly maxRateKilobytes: number | null;
	readonly compressionLevel: number;
	/** `server`, also where it is left out: by the server where it can (PostgreSQL 15 and newer, built with zstd), else here. */
	readonly compressAt?: 'server' | 'here';
	readonly lockWaitSeconds: number;
	readonly note?: string;
}

/** `source.name` of the base backups of a server. */
export function baseBackupSourceName({ name, connection }: Pick<BaseBackupOptions, 'name' | 'connection'>): string {
	return name === '' ? `${connection.host}:${connection.port}` : name;
}

/**
 * Takes a physical copy of a whole server over the replication protocol: every file is compared with the server's manifest while it streams into
 * the store, and the WAL that makes the copy consistent is inside.
 * @throws BackupError; nothing is published then
 */
export async function takeBaseBackup(options: BaseBackupOptions, store: Store, context: JobContext): Promise<Manifest> {
	if (options.mode === 'full') return await take(options, { reason: '', expected: true }, store, context);
	const found = await findParent(store, { ...options, sourceName: baseBackupSourceName(options) }, context);
	if (!found.parent) return await take(options, found, store, context);
	try {
		return await withChainInUse(store, context, found.parent.chain, async (signal) => await take(options, found, store, { ...context, signal }));
	} catch (error) {
		// The server found out itself what could not be seen before.
		if (!(error instanceof BackupError) || error.code !== 'INCREMENTAL_REFUSED' || options.whenImpossible === 'fail') throw error;
		return await take(options, { reason: `${error.message} ${error.hint}`, expected: false }, store, context);
	}
}

async function take(options: BaseBackupOptions, found: ParentOrReason, store: Store, context: JobContext): Promise<Manifest> {
	const { connection, lockWaitSeconds, note } = options;
	const { parent } = found;
	const sourceName = baseBackupSourceName(options);
	const publish = { store, context, component: 'postgres' as const, kind: parent ? ('incremental' as const) : ('base' as const), sourceName, lockWaitSeconds, ...(note === undefined ? {} : { note }) };
	return await publishBackup(publish, async (draft) => {
		if (!found.parent && options.mode === 'incremental') {
			const text = `A full base backup was taken instead of an incremental one: ${found.reason.replace(/\.$/, '')}.`;
			if (found.expected) context.progress({ step: text });
			else draft.warn(text);
		}
		context.progress({ step: `Connecting to ${sourceName}` });
		const session = { signal: draft.signal, applicationName: 'backup-recovery base backup', doing: `taking a base backup of ${sourceName}` };
		const parentManifest = parent && (() => readArtifact(store, parent.manifest, parent.serverManifest, { signal: draft.signal, keys: context.keys }));
		return await withReplication(connection, session, async (replication) => {
			const received = await receiveBackup({ ...options, sourceName, session: replication, parentManifest }, draft, context);
			return outcome(sourceName, connection, received, parent, draft);
		});
	});
}

function outcome(name: string, connection: PostgresConnection, received: ReceivedBackup, parent: Parent | undefined, draft: BackupDraft): DraftOutcome {
	const { facts, manifest, announcement, artifacts } = received;
	const nameOf = (oid: number): string => artifacts.find((artifact) => artifact.oid === oid)?.artifact.name ?? '';
	const basebackup: BasebackupDetails = {
		systemIdentifier: facts.systemIdentifier,
		serverVersionNumber: facts.versionNumber,
		timeline: announcement.timeline,
		startLsn: announcement.startLsn,
		endLsn: received.endLsn,
		beganAt: received.beganAt.toISOString(),
		endedAt: received.endedAt.toISOString(),
		segmentBytes: facts.segmentBytes,
		blockBytes: facts.blockBytes,
		pageChecksums: facts.pageChecksums,
		files: { count: manifest.files, bytes: manifest.bytes },
		tablespaces: announcement.tablespaces.map(({ oid, location }) => ({ oid, location, artifact: nameOf(oid) })),
		databases: received.databases,
	};
	const stored: Artifact[] = artifacts.map(({ artifact }) => artifact);
	return {
		source: backupSource(name, connection, facts),
		parent: parent?.manifest.id ?? null,
		basebackup,
		instructions: basebackupInstructions({ id: draft.id, name, serverMajor: facts.major, details: basebackup, artifacts: stored, chain: parent?.chain ?? [] }),
	};
}
