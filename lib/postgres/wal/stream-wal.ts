import type { Lock } from '../../catalog/locks';
import type { WalRecord } from '../../catalog/wal-manifest';
import { withLock } from '../../catalog/with-lock';
import { abortError, pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError, type ErrorCode, toBackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { readServerFacts, type ServerFacts } from '../basebackup/server-facts';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import { withReplication } from '../replication/replication-session';
import type { ArchiveWalOptions } from './archive-wal';
import { type RunOptions, runArchiving } from './archive-run';
import { Exposure } from './exposure';
import type { SegmentArchiver } from './segment-archiver';
import type { StreamWalResult, WalItem } from './stream-items';
import { walLockName } from './wal-archive';
import { watchServer } from './watch-server';
import { WalTally } from './wal-tally';

export interface StreamWalOptions extends Omit<ArchiveWalOptions, 'switchSegment'> {
	/** So often the open segment's new bytes are archived. */
	readonly pieceSeconds: number;
	readonly itemPerSegment: boolean;
	/** null: no item by time. */
	readonly itemSeconds: number | null;
	/** null: an idle server is left alone. */
	readonly heartbeatSeconds: number | null;
}

/** What goes away by itself, sooner or later, or once a person has made room. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['SERVER_UNREACHABLE', 'SERVER_ERROR', 'STORE_UNAVAILABLE', 'STORE_FULL', 'STORE_NOT_WRITABLE', 'NO_SPACE', 'LOCK_HELD', 'LOCK_LOST']);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Long enough for a lock file that could not be removed to count as dead. */
const REGAIN_SECONDS = 120;

/**
 * Archives a server's WAL as it is written, until it is cancelled. A connection that breaks, a server that restarts or is promoted and
 * a store that is away, for however long, are waited for; the server keeps the log meanwhile.
 * @throws BackupError `CANCELLED`, what does not pass by itself (`WAL_GAP`, `WAL_CONFLICT`, …), and whatever hinders the first start
 */
export async function streamWal(options: StreamWalOptions, store: Store, context: JobContext, emit: (item: WalItem) => void): Promise<StreamWalResult> {
	const { connection } = options;
	const server = options.name === '' ? `${connection.host}:${connection.port}` : options.name;
	const session = { signal: context.signal, applicationName: 'backup-recovery WAL', doing: `streaming the WAL of ${server}` };
	const facts = await withReplication(connection, session, readServerFacts);
	return await new WalStream(options, server, facts, store, context, emit).run();
}

class WalStream {
	private tally: WalTally;
	private archiver: SegmentArchiver | undefined;
	private readonly exposure = new Exposure();
	/** Whether any connection has come as far as archiving. */
	private everBegan = false;
	private pauseMs = FIRST_PAUSE_MS;
	/** Up to where anything was ever archived here. */
	private reached: Lsn = 0n;
	/** What a person was told of since something new was archived last. */
	private readonly told = new Set<string>();

	constructor(
		private readonly options: StreamWalOptions,
		private readonly server: string,
		private readonly facts: ServerFacts,
		private readonly store: Store,
		private readonly context: JobContext,
		private readonly emit: (item: WalItem) => void,
	) {
		this.tally = this.newTally();
	}

	/** Takes the lock again and again. */
	async run(): Promise<never> {
		const timers = this.startTimers();
		const { store, context } = this;
		const request = { name: walLockName(this.facts.systemIdentifier), mode: 'exclusive' as const, purpose: `streaming the WAL of ${this.server}` };
		try {
			for (;;) {
				const waitSeconds = Math.max(this.options.lockWaitSeconds, this.everBegan ? REGAIN_SECONDS : 0);
				try {
					await withLock(store, context, { ...request, waitSeconds }, async (lock, signal) => await this.whileHeld(lock, signal));
				} catch (error) {
					await this.waitOut(toBackupError(error), context.signal);
				}
			}
		} finally {
			timers.forEach(clearInterval);
		}
	}

	/** Connects again and again. @throws BackupError `LOCK_LOST`, and what does not pass */
	private async whileHeld(lock: Lock, signal: AbortSignal): Promise<never> {
		for (;;) {
			const beganAt = performance.now();
			const error = await this.connectOnce(lock, signal);
			this.exposure.interrupted(this.archiver?.exposedSince);
			this.archiver = undefined;
			// On an idle server nothing is archived, however well all goes.
			if (performance.now() - beganAt > LONGEST_PAUSE_MS) this.pauseMs = FIRST_PAUSE_MS;
			await this.waitOut(error, signal);
		}
	}

	/** Waits before the next try, longer each time until something is archived. @throws BackupError `error` itself where trying again is of no use */
	private async waitOut(error: BackupError, signal: AbortSignal): Promise<void> {
		if (signal.aborted) throw abortError(signal);
		if (!PASSING.has(error.code) || !this.everBegan) throw error;
		this.warnOnce(error.code, `${error.message} It is tried again.`, error.hint, error.code);
		await pause(this.pauseMs, signal);
		this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
	}

	/** Streams until that ends. @returns why */
	private async connectOnce(lock: Lock, signal: AbortSignal): Promise<BackupError> {
		const { connection, slotName, compressionLevel } = this.options;
		const { context, store, server } = this;
		try {
			await withReplication(connection, { signal, applicationName: 'backup-recovery WAL', doing: `streaming the WAL of ${server}` }, async (session) => {
				const facts = await readServerFacts(session);
				this.requireSame(facts);
				const run: RunOptions = {
					session,
					facts,
					store,
					slotName,
					compressionLevel,
					signal,
					context,
					storeNow: () => lock.storeNow,
					onArchiver: (archiver) => (this.archiver = archiver),
					onStart: ({ timeline, start }) => {
						this.everBegan = true;
						context.progress({ step: `Streaming the WAL of ${server}` });
						this.emit({ event: 'started', at: this.now(), server, systemIdentifier: facts.systemIdentifier, timeline, fromLsn: formatLsn(start) });
					},
					onGap: (gap) => {
						const message = this.tally.gap(gap);
						this.warnOnce(message, message, 'Archiving goes on after it.', 'WAL_GAP');
					},
					onArchived: (record, written, exposedMs) => this.archived(record, written, exposedMs),
				};
				await runArchiving(run, null);
			});
			return new BackupError('SERVER_UNREACHABLE', `The server ${server} ended the stream.`, 'It shuts down or restarts. Check that it comes back.');
		} catch (error) {
			return toBackupError(error);
		}
	}

	private archived(record: WalRecord, written: boolean, exposedMs: number): void {
		this.tally.add(record, written);
		if (record.content === 'history') return;
		const end = parseLsn(record.endLsn);
		// After each interruption the open segment comes again from its beginning: that is no progress.
		if (end > this.reached) {
			this.reached = end;
			this.exposure.archived(exposedMs);
			this.pauseMs = FIRST_PAUSE_MS;
			this.told.clear();
		}
		if (record.content === 'segment' && this.options.itemPerSegment) this.emitArchived();
	}

	private startTimers(): NodeJS.Timeout[] {
		const { pieceSeconds, itemSeconds } = this.options;
		// What goes wrong reaches the stream itself.
		const piece = setInterval(() => void this.archiver?.archivePiece().catch(() => undefined), pieceSeconds * 1000);
		const item = itemSeconds === null ? [] : [setInterval(() => this.emitArchived(), itemSeconds * 1000)];
		const watch = watchServer(this.options, this.context, {
			lastCommitAt: () => this.tally.lastCommit,
			slot: (slot) => {
				this.tally.slot = slot;
				if (this.archiver && slot?.heldBytes === 0) this.exposure.nothingLeft();
			},
			warn: (message) => this.warn(message, 'Archiving goes on as long as it can.', null),
		});
		return [piece, ...item, ...watch];
	}

	private emitArchived(): void {
		const rpoSeconds = Math.round(this.exposure.takeMs(this.archiver?.exposedSince)) / 1000;
		this.emit({ event: 'archived', at: this.now(), ...this.tally.summary(this.tally.slot), rpoSeconds });
		const next = this.newTally();
		next.continue(this.tally);
		this.tally = next;
	}

	private newTally(): WalTally {
		return new WalTally(this.server, this.facts, this.store, this.options.slotName);
	}

	private requireSame({ systemIdentifier }: ServerFacts): void {
		if (systemIdentifier === this.facts.systemIdentifier) return;
		throw new BackupError(
			'WAL_CONFLICT',
			`${this.server} is another server now: ${systemIdentifier} instead of ${this.facts.systemIdentifier}.`,
			'The address leads elsewhere, or the server was set up anew. If that was meant, take a base backup of it and start archiving again. Nothing was mixed up.',
		);
	}

	/** Not again before something was archived: a trouble that stays is no news. */
	private warnOnce(trouble: string, ...warning: Parameters<WalStream['warn']>): void {
		if (this.told.has(trouble)) return;
		this.told.add(trouble);
		this.warn(...warning);
	}

	private warn(message: string, hint: string, code: ErrorCode | null): void {
		this.emit({ event: 'warning', at: this.now(), server: this.server, message, hint, code });
	}

	private now(): string {
		return this.context.now().toISOString();
	}
}
