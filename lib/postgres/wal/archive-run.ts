import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { WalRecord } from '../../catalog/wal-manifest';
import { once } from '../../catalog/small-object';
import type { JobContext } from '../../core/context';
import { pause } from '../../core/abortable';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { readServerFacts, type ServerFacts } from '../basebackup/server-facts';
import { formatLsn, type Lsn } from '../replication/lsn';
import type { ReplicationSession } from '../replication/replication-session';
import { historyName } from '../replication/wal-segment';
import { sqlState } from '../server-error';
import { readWalIndex } from './archive-index';
import { type NextTimeline, receiveTimeline } from './receive-timeline';
import { ensureSlot, type SlotState } from './replication-slot';
import { removeCoveredPieces } from './remove-covered-pieces';
import { type OnArchived, SegmentArchiver } from './segment-archiver';
import { baseStarts, gapError, type StartPosition, startPositions } from './start-position';
import { parseHistory, type TimelineSwitch } from './timeline-history';
import { readWal, readWalRecord, writeWal } from './wal-archive';

const FILE_MISSING = '58P01';
const SLOT_IN_USE = '55006';
/** A server notices only after a while that whoever used the slot has gone. */
const SLOT_WAIT_MS = 30_000;
const SLOT_POLL_MS = 500;
/** However the server is set up, it hears of us at least so often. */
const STATUS_MS = 10_000;
/** It answers each time. */
const SILENCE_MS = 6 * STATUS_MS;

export interface RunOptions {
	readonly session: ReplicationSession;
	readonly facts: ServerFacts;
	readonly store: Store;
	readonly slotName: string;
	readonly compressionLevel: number;
	/** The job's signal, which also fires when the lock is lost. */
	readonly signal: AbortSignal;
	readonly context: JobContext;
	/** The present by the store's clock. */
	readonly storeNow: () => Date;
	/** Once it is certain that archiving goes on from there. */
	readonly onStart?: (position: StartPosition, slot: SlotState) => void;
	/** Told of each archiver: one a timeline. */
	readonly onArchiver?: (archiver: SegmentArchiver) => void;
	readonly onArchived: OnArchived;
	readonly onGap: (gap: { readonly from: Lsn; readonly to: Lsn }) => void;
}

/**
 * Archives what comes after the archive's end until `stopAt` is reached, following the server's timelines; null: until the session ends.
 * The archive's lock must be held.
 * @throws BackupError `WAL_GAP`, `WAL_CONFLICT`, `WAL_INVALID`, `LOCK_HELD`, or the store's error; the driver's are not mapped yet
 */
export async function runArchiving(options: RunOptions, stopAt: Lsn | null): Promise<void> {
	const { session, facts, store, slotName, context, signal } = options;
	const { slot } = await ensureSlot(session, slotName);
	const history = facts.timeline === 1 ? [] : await archiveHistory(options, facts.timeline);
	const index = await readWalIndex(store, facts, { keys: context.keys, signal });
	await removeCoveredPieces(store, index, options.storeNow(), signal);
	const slotLsn = slot.restartLsn;
	if (slotLsn === null) throw new BackupError('SERVER_ERROR', `The replication slot "${slotName}" keeps no log.`, 'Drop it on the server (SELECT pg_drop_replication_slot(…)) and run the job again: it makes a new one.');
	const positions = startPositions(index, await baseStarts(store, facts.systemIdentifier), { timeline: facts.timeline, history, slotLsn, segmentBytes: facts.segmentBytes });
	for (const position of positions) {
		try {
			await follow(options, position, slot, stopAt, (timeline) => index.parts.get(timeline) ?? []);
			return;
		} catch (error) {
			if (sqlState(error) !== FILE_MISSING) throw error;
		}
	}
	throw gapError(positions[0] as StartPosition, slotName, store);
}

/** From one timeline to the next. */
async function follow(
	options: RunOptions,
	position: StartPosition,
	slot: SlotState,
	stopAt: Lsn | null,
	known: (timeline: number) => ConstructorParameters<typeof SegmentArchiver>[0]['known'],
): Promise<void> {
	const { session, facts, store, slotName, context, signal, compressionLevel } = options;
	const statusIntervalMs = await statusInterval(session);
	let { timeline, start } = position;
	for (let first = true; ; first = false) {
		if (timeline > 1) await archiveHistory(options, timeline);
		// A standby that was promoted ends the stream of the timeline that it left.
		const present = first ? facts : await readServerFacts(session);
		const folder = join(context.workFolder, `wal-${timeline}`);
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const archiver = new SegmentArchiver({
			...facts,
			serverMajor: facts.major,
			timeline,
			start,
			live: timeline === present.timeline && !present.inRecovery,
			store,
			folder,
			known: known(timeline),
			write: { keys: context.keys, compressionLevel, signal },
			now: () => context.now(),
			onArchived: options.onArchived,
			source: session,
		});
		let next: NextTimeline;
		try {
			const onBegin = () => {
				options.onArchiver?.(archiver);
				if (!first) return;
				options.onStart?.(position, slot);
				if (position.gap) options.onGap(position.gap);
			};
			const receive = { session, slot: slotName, timeline, start, stopAt, statusIntervalMs, silenceMs: SILENCE_MS, now: () => context.now(), onBegin };
			next = await whenFree(async () => await receiveTimeline(receive, archiver), slotName, signal);
		} finally {
			await archiver.close();
		}
		if (!next) return;
		timeline = next.timeline;
		start = next.start - (next.start % BigInt(facts.segmentBytes));
	}
}

async function whenFree<T>(start: () => Promise<T>, slot: string, signal: AbortSignal): Promise<T> {
	const deadline = performance.now() + SLOT_WAIT_MS;
	for (;;) {
		try {
			return await start();
		} catch (error) {
			if (sqlState(error) !== SLOT_IN_USE) throw error;
			if (performance.now() > deadline) {
				throw new BackupError('LOCK_HELD', `The replication slot "${slot}" is in use by another session.`, 'Something else archives with this slot: pg_stat_replication on the server says from where. End it, or give this archive a slot name of its own.', { cause: error });
			}
			await pause(SLOT_POLL_MS, signal);
		}
	}
}

/** Well within the time after which the server takes us for dead. */
async function statusInterval(session: ReplicationSession): Promise<number> {
	const [row] = await session.query(`SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'`);
	const timeout = Number(row?.setting ?? 0);
	return timeout > 0 ? Math.min(STATUS_MS, timeout / 3) : STATUS_MS;
}

/** Puts the history of a timeline into the archive, and yields the timeline's ancestors. @throws BackupError `WAL_CONFLICT` when another one is there */
async function archiveHistory({ session, facts, store, context, signal, compressionLevel, onArchived }: RunOptions, timeline: number): Promise<TimelineSwitch[]> {
	const { systemIdentifier, segmentBytes, major } = facts;
	const [row] = await session.query<{ content: string | Buffer }>(`TIMELINE_HISTORY ${timeline}`);
	if (!row) throw new BackupError('SERVER_ERROR', `The server does not tell the history of its timeline ${timeline}.`, 'Look for the history file in its pg_wal folder, then run the job again.');
	const content = Buffer.from(row.content);
	const switches = parseHistory(content.toString('utf8'));
	const name = historyName(timeline);
	const existing = await readWalRecord(store, { name, timeline, systemIdentifier }, signal);
	if (existing) {
		const same = existing.switches ? sameSwitches(existing.switches, switches) : content.equals(await collect(readWal(store, existing, { keys: context.keys, signal })));
		if (same) return switches;
		throw new BackupError(
			'WAL_CONFLICT',
			`${name} is in the archive (${store.description}), and the server's timeline ${timeline} began elsewhere.`,
			'Two servers were promoted from the same origin. Find out which counts. Nothing was overwritten. Archive this one into a store, or a folder prefix, of its own, and take a new base backup of it.',
		);
	}
	const at = formatLsn(switches.at(-1)?.at ?? 0n);
	const now = context.now().toISOString();
	const record = await writeWal(
		store,
		name,
		once(content),
		{ content: 'history', systemIdentifier, timeline, file: name, startLsn: at, endLsn: at, segmentBytes, serverMajor: major, archivedAt: now, sentAt: null },
		{ keys: context.keys, compressionLevel, signal },
	);
	onArchived(record, true, 0);
	return switches;
}

function sameSwitches(archived: NonNullable<WalRecord['switches']>, found: readonly TimelineSwitch[]): boolean {
	const text = found.map(({ timeline, at }) => `${timeline} ${formatLsn(at)}`).join();
	return archived.map(({ timeline, lsn }) => `${timeline} ${lsn}`).join() === text;
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of source) chunks.push(chunk);
	return Buffer.concat(chunks);
}
