import type { BackupDraft } from '../../backup/draft';
import type { Artifact } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { PostgresConnection } from '../connection-settings';
import type { ReplicationSession, ResultSet } from '../replication/replication-session';
import { sqlState } from '../server-error';
import { ByteCount } from '../../pipeline/byte-count';
import { passOneFrame } from '../../pipeline/one-frame';
import { ContentCheck } from './check-contents';
import { baseBackupCommand } from './command';
import { CorruptPages } from './corrupt-pages';
import { refused } from './find-parent';
import { type Announcement, ArchiveReceiver, type ReceivedArchive } from './receive-archives';
import { reserveWal } from './reserve-wal';
import { BASE_ROLE, MANIFEST_ROLE, TABLESPACE_ROLE } from './roles';
import { readDatabases, readServerFacts, serverClock, type ServerFacts } from './server-facts';
import type { ManifestFacts } from './server-manifest';

const DATA_CORRUPTED = 'XX001';
const UNDEFINED_FILE = '58P01';
const NOT_IN_STATE = '55000';
/** How a server says that it was built without zstd. */
const CANNOT_COMPRESS: ReadonlySet<string | undefined> = new Set(['42601', '0A000']);
/** Servers before cannot compress a base backup. */
const COMPRESSING_MAJOR = 15;

export interface ReceiveOptions {
	readonly session: ReplicationSession;
	readonly sourceName: string;
	readonly checkpoint: 'fast' | 'spread';
	readonly maxRateKilobytes: number | null;
	readonly compressionLevel: number;
	/** `server`, also where it is left out: by the server where it can, else here. */
	readonly compressAt?: 'server' | 'here';
	readonly connection: PostgresConnection;
	/** The server's manifest of the backup that this one builds on; undefined: a full one. */
	readonly parentManifest: (() => AsyncIterable<Uint8Array>) | undefined;
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
	if (options.parentManifest) await upload(session, options.parentManifest());
	const unreserved = await reserveWal(session, context.randomBytes(8));
	if (unreserved !== undefined) draft.warn(unreserved);
	const corrupt = new CorruptPages();
	corrupt.listen(session.client);
	let received: Received;
	try {
		received = await copyAndStore({ ...options, step, facts }, draft, context);
	} catch (error) {
		session.destroy(error);
		throw await meaning(error, options, corrupt, draft.signal);
	} finally {
		session.client.removeListener('notice', corrupt.onNotice);
	}
	const { announcement, artifacts, check, sets } = received;
	const [endLsn, timeline] = sets.at(-1)?.rows[0] ?? [];
	if (!announcement || typeof endLsn !== 'string') throw new BackupError('SERVER_ERROR', 'The server did not say where the base backup ends.', 'Nothing was published. Run the job again.');
	if (Number(timeline) !== announcement.timeline) throw new BackupError('SERVER_ERROR', `The base backup began on timeline ${announcement.timeline} and ended on ${timeline ?? 'none'}.`, 'The standby was promoted meanwhile. Nothing was published. Run the job again.');
	const manifest = check.finish({ timeline: announcement.timeline, startLsn: announcement.startLsn, endLsn, segmentBytes: facts.segmentBytes });
	if (manifest.systemIdentifier !== undefined && manifest.systemIdentifier !== facts.systemIdentifier) {
		throw new BackupError('PROOF_MISMATCH', `The manifest is that of the server ${manifest.systemIdentifier}, not of ${facts.systemIdentifier}.`, 'Nothing was published. Run the job again.');
	}
	return { facts, announcement, manifest, endLsn, beganAt, endedAt: await serverClock(session), databases: await readDatabases(session), artifacts };
}

async function upload(session: ReplicationSession, manifest: AsyncIterable<Uint8Array>): Promise<void> {
	try {
		await session.copyIn('UPLOAD_MANIFEST', manifest);
	} catch (error) {
		if (sqlState(error) === undefined) throw error;
		throw refused(`the server does not take the manifest of the earlier one: ${(error as Error).message}`, 'Take a full one.', error);
	}
}

/** What the server's refusal means here. */
async function meaning(error: unknown, { connection, parentManifest }: ReceiveOptions, corrupt: CorruptPages, signal: AbortSignal): Promise<unknown> {
	switch (sqlState(error)) {
		case DATA_CORRUPTED:
			return await corrupt.toError(connection, signal, error);
		case UNDEFINED_FILE:
			return new BackupError('SERVER_ERROR', `The server no longer has what the base backup needs: ${(error as Error).message}`, 'It may have removed WAL meanwhile: raise wal_keep_size and max_slot_wal_keep_size, or take the backup at a quieter time. Nothing was published.', { cause: error });
		case NOT_IN_STATE:
			return parentManifest ? refused((error as Error).message, 'Take a full one.', error) : error;
		default:
			return error;
	}
}

interface CopyOptions extends ReceiveOptions {
	readonly step: string;
	readonly facts: ServerFacts;
}

/** What one BASE_BACKUP brought. */
interface Received {
	readonly announcement: Announcement | undefined;
	readonly artifacts: { oid: number | undefined; artifact: Artifact }[];
	readonly check: ContentCheck;
	readonly sets: ResultSet[];
}

/** With the server's compression where it is wanted and the server has it: whether it has is told by trying only, and at once. */
async function copyAndStore(options: CopyOptions, draft: BackupDraft, context: JobContext): Promise<Received> {
	const { compressAt, facts, step } = options;
	if (compressAt === 'here' || facts.major < COMPRESSING_MAJOR) return await copyOnce({ ...options, zstdLevel: null }, draft, context);
	try {
		return await copyOnce({ ...options, zstdLevel: options.compressionLevel }, draft, context);
	} catch (error) {
		if (!CANNOT_COMPRESS.has(sqlState(error))) throw error;
		context.progress({ step: `${step}: it was built without zstd, so what it sends is compressed here` });
		return await copyOnce({ ...options, zstdLevel: null }, draft, context);
	}
}

async function copyOnce(options: CopyOptions & { readonly zstdLevel: number | null }, draft: BackupDraft, context: JobContext): Promise<Received> {
	const { session, facts } = options;
	const receiver = new ArchiveReceiver(facts.major, session);
	const check = new ContentCheck();
	const command = baseBackupCommand({
		serverMajor: facts.major,
		label: `backup-recovery ${draft.id}`,
		checkpoint: options.checkpoint,
		maxRateKilobytes: options.maxRateKilobytes,
		incremental: options.parentManifest !== undefined,
		zstdLevel: options.zstdLevel,
	});
	const copying = copyAll(session, command, receiver);
	// Its error reaches whoever reads the archives; until it is awaited it must not count as unhandled.
	copying.catch(() => undefined);
	try {
		const artifacts = await storeArchives({ ...options, receiver, check }, draft, context);
		return { artifacts, check, sets: await copying, announcement: receiver.announcement };
	} catch (caught) {
		const error = receiver.failure ? receiver.failure.error : caught;
		// The server has ended what it reports an error of; anything else it goes on sending.
		if (sqlState(error) === undefined) session.destroy(error);
		await copying.catch(() => undefined);
		throw error;
	}
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

interface StoreOptions extends CopyOptions {
	readonly receiver: ArchiveReceiver;
	readonly check: ContentCheck;
}

async function storeArchives(options: StoreOptions, draft: BackupDraft, context: JobContext): Promise<{ oid: number | undefined; artifact: Artifact }[]> {
	const { receiver, step } = options;
	const artifacts: { oid: number | undefined; artifact: Artifact }[] = [];
	let before = 0;
	for await (const archive of receiver.archives) {
		const total = receiver.announcement?.bytes ?? 0;
		// The estimate leaves out WAL and what was added meanwhile; beyond it there is no total.
		const tell = (done: number) => context.progress({ step, done: before + done, ...(before + done < total && { total }), unit: 'bytes' });
		const content = archive.compressed ? new ByteCount(tell) : undefined;
		const spec = {
			...nameOf(archive),
			compression: { algorithm: 'zstd' as const, level: options.compressionLevel },
			secret: true,
			digestedInside: archive.content !== 'manifest',
			...(archive.content === 'data' && { expectedBytes: total }),
			...(content ? { contentBytes: () => content.bytes } : { onSourceBytes: tell }),
		};
		const artifact = await draft.writeArtifact(spec, content ? passOneFrame(archive.bytes, (bytes) => drain(content.measure(watched({ ...archive, bytes }, options)))) : watched(archive, options));
		before += artifact.sourceBytes;
		artifacts.push({ oid: archive.oid, artifact });
	}
	return artifacts;
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
	for await (const chunk of bytes) void chunk;
}

function watched(archive: Pick<ReceivedArchive, 'content' | 'oid' | 'bytes'>, { check, facts }: StoreOptions): AsyncGenerator<Buffer, void, void> {
	const { content, oid, bytes } = archive;
	return content === 'manifest' ? check.manifest(bytes) : check.archive(nameOf(archive).name, oid, bytes, facts.major >= 15);
}

function nameOf({ content, oid }: Pick<ReceivedArchive, 'content' | 'oid'>): { name: string; role: string; mediaType: string } {
	switch (content) {
		case 'data':
			return { name: 'base.tar.zst', role: BASE_ROLE, mediaType: 'application/x-tar' };
		case 'tablespace':
			return { name: `${oid ?? 0}.tar.zst`, role: TABLESPACE_ROLE, mediaType: 'application/x-tar' };
		case 'manifest':
			return { name: 'backup_manifest.zst', role: MANIFEST_ROLE, mediaType: 'application/json' };
	}
}
