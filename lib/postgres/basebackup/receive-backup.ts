import type { BackupDraft } from '../../backup/draft';
import type { Artifact } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { ReplicationSession, ResultSet } from '../replication/replication-session';
import { baseBackupCommand } from './command';
import { ContentCheck } from './check-contents';
import { type Announcement, ArchiveReceiver, type ReceivedArchive } from './receive-archives';
import { readDatabases, readServerFacts, serverClock, type ServerFacts } from './server-facts';
import type { ManifestFacts } from './server-manifest';

export const BASE_ROLE = 'base';
export const TABLESPACE_ROLE = 'tablespace';
export const MANIFEST_ROLE = 'backup-manifest';

export interface ReceiveOptions {
	readonly session: ReplicationSession;
	readonly sourceName: string;
	readonly checkpoint: 'fast' | 'spread';
	readonly maxRateKilobytes: number | null;
	readonly compressionLevel: number;
}

/** A base backup in the store, checked, not yet published. */
export interface ReceivedBackup {
	readonly facts: ServerFacts;
	readonly announcement: Announcement;
	readonly manifest: ManifestFacts;
	readonly endLsn: string;
	readonly beganAt: Date;
	readonly endedAt: Date;
	readonly databases: { name: string; bytes: number | null }[];
	readonly artifacts: readonly { readonly oid: number | undefined; readonly artifact: Artifact }[];
}

/** Runs BASE_BACKUP and streams what it sends into the draft. */
export async function receiveBackup(options: ReceiveOptions, draft: BackupDraft, context: JobContext): Promise<ReceivedBackup> {
	const { session, sourceName } = options;
	const facts = await readServerFacts(session);
	const beganAt = await serverClock(session);
	const step = `Taking a base backup of ${sourceName}`;
	context.progress({ step: options.checkpoint === 'fast' ? `${step}: checkpoint` : `${step}: waiting for a spread checkpoint` });
	const receiver = new ArchiveReceiver(facts.major, session);
	const check = new ContentCheck();
	const command = baseBackupCommand({ serverMajor: facts.major, label: `backup-recovery ${draft.id}`, checkpoint: options.checkpoint, maxRateKilobytes: options.maxRateKilobytes, incremental: false });
	const copying = copyAll(session, command, receiver);
	// Its error reaches whoever reads the archives; until it is awaited it must not count as unhandled.
	copying.catch(() => undefined);
	let artifacts: { oid: number | undefined; artifact: Artifact }[];
	try {
		artifacts = await storeArchives({ ...options, step, facts, receiver, check }, draft, context);
	} catch (error) {
		session.destroy(error);
		await copying.catch(() => undefined);
		throw error;
	}
	const sets = await copying;
	const { announcement } = receiver;
	const [endLsn, timeline] = sets.at(-1)?.rows[0] ?? [];
	if (!announcement || typeof endLsn !== 'string') throw new BackupError('SERVER_ERROR', 'The server did not say where the base backup ends.', 'Nothing was published. Run the job again.');
	if (Number(timeline) !== announcement.timeline) throw new BackupError('SERVER_ERROR', `The base backup began on timeline ${announcement.timeline} and ended on ${timeline ?? 'none'}.`, 'The standby was promoted meanwhile. Nothing was published. Run the job again.');
	const manifest = check.finish({ timeline: announcement.timeline, startLsn: announcement.startLsn, endLsn, segmentBytes: facts.segmentBytes });
	if (manifest.systemIdentifier !== undefined && manifest.systemIdentifier !== facts.systemIdentifier) {
		throw new BackupError('PROOF_MISMATCH', `The manifest is that of the server ${manifest.systemIdentifier}, not of ${facts.systemIdentifier}.`, 'Nothing was published. Run the job again.');
	}
	return { facts, announcement, manifest, endLsn, beganAt, endedAt: await serverClock(session), databases: await readDatabases(session), artifacts };
}

async function copyAll(session: ReplicationSession, command: string, receiver: ArchiveReceiver): Promise<ResultSet[]> {
	try {
		const sets = await session.copy(command, receiver);
		receiver.end();
		return sets;
	} catch (error) {
		receiver.fail(error);
		throw error;
	}
}

interface StoreOptions extends ReceiveOptions {
	readonly step: string;
	readonly facts: ServerFacts;
	readonly receiver: ArchiveReceiver;
	readonly check: ContentCheck;
}

async function storeArchives(options: StoreOptions, draft: BackupDraft, context: JobContext): Promise<{ oid: number | undefined; artifact: Artifact }[]> {
	const { receiver, step } = options;
	const artifacts: { oid: number | undefined; artifact: Artifact }[] = [];
	let before = 0;
	for await (const archive of receiver.archives) {
		const total = receiver.announcement?.bytes ?? 0;
		const spec = {
			...nameOf(archive),
			compression: { algorithm: 'zstd' as const, level: options.compressionLevel },
			secret: true,
			...(archive.content === 'data' && { expectedBytes: total }),
			// The estimate leaves out WAL and what was added meanwhile.
			onSourceBytes: (done: number) => context.progress({ step, done: before + done, total: Math.max(total, before + done), unit: 'bytes' }),
		};
		const artifact = await draft.writeArtifact(spec, watched(archive, options));
		before += artifact.sourceBytes;
		artifacts.push({ oid: archive.oid, artifact });
	}
	return artifacts;
}

function watched(archive: ReceivedArchive, { check, facts }: StoreOptions): AsyncGenerator<Buffer, void, void> {
	const { content, oid, bytes } = archive;
	return content === 'manifest' ? check.manifest(bytes) : check.archive(nameOf(archive).name, oid, bytes, facts.major >= 15);
}

function nameOf({ content, oid }: ReceivedArchive): { name: string; role: string; mediaType: string } {
	switch (content) {
		case 'data':
			return { name: 'base.tar.zst', role: BASE_ROLE, mediaType: 'application/x-tar' };
		case 'tablespace':
			return { name: `${oid ?? 0}.tar.zst`, role: TABLESPACE_ROLE, mediaType: 'application/x-tar' };
		case 'manifest':
			return { name: 'backup_manifest.zst', role: MANIFEST_ROLE, mediaType: 'application/json' };
	}
}
