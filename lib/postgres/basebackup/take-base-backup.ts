import type { BackupDraft, DraftOutcome } from '../../backup/draft';
import { publishBackup } from '../../backup/publish';
import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { backupSource } from '../backup-source';
import type { PostgresConnection } from '../connection-settings';
import { withReplication } from '../replication/replication-session';
import { basebackupInstructions } from './instructions';
import { type ReceivedBackup, receiveBackup } from './receive-backup';

export interface BaseBackupOptions {
	readonly connection: PostgresConnection;
	/** What tells this server's backups from those of others; empty: its address. */
	readonly name: string;
	readonly checkpoint: 'fast' | 'spread';
	/** null: as fast as it goes. */
	readonly maxRateKilobytes: number | null;
	readonly compressionLevel: number;
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
	const { connection, lockWaitSeconds, note } = options;
	const sourceName = baseBackupSourceName(options);
	const publish = { store, context, component: 'postgres' as const, kind: 'base' as const, sourceName, lockWaitSeconds, ...(note === undefined ? {} : { note }) };
	return await publishBackup(publish, async (draft) => {
		context.progress({ step: `Connecting to ${sourceName}` });
		const session = { signal: draft.signal, applicationName: 'backup-recovery base backup', doing: `taking a base backup of ${sourceName}` };
		return await withReplication(connection, session, async (replication) => {
			const received = await receiveBackup({ ...options, sourceName, session: replication }, draft, context);
			return outcome(sourceName, connection, received, draft);
		});
	});
}

function outcome(name: string, connection: PostgresConnection, received: ReceivedBackup, draft: BackupDraft): DraftOutcome {
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
		basebackup,
		instructions: basebackupInstructions({ id: draft.id, name, serverMajor: facts.major, details: basebackup, artifacts: stored }),
	};
}
