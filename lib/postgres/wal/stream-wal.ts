import { withLock } from '../../catalog/with-lock';
import { abortError, pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError, type ErrorCode, toBackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { readServerFacts, type ServerFacts } from '../basebackup/server-facts';
import { formatLsn } from '../replication/lsn';
import { withReplication } from '../replication/replication-session';
import type { ArchiveWalOptions } from './archive-wal';
import { runArchiving } from './archive-run';
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

/** What goes away by itself, sooner or later. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['SERVER_UNREACHABLE', 'STORE_UNAVAILABLE', 'STORE_FULL', 'LOCK_HELD', 'SERVER_ERROR']);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Archives a server's WAL as it is written, until it is cancelled. A connection that breaks, a server that restarts or is promoted and
 * a store that is away are waited for; the server keeps the log meanwhile.
 * @throws BackupError `CANCELLED`, what does not pass by itself (`WAL_GAP`, `WAL_CONFLICT`, …), and whatever hinders the first start
 */
export async function streamWal(options: StreamWalOptions, store: Store, context: JobContext, emit: (item: WalItem) => void): Promise<StreamWalResult> {
	const { connection } = options;
	const server = options.name === '' ? `${connection.host}:${connection.port}` : options.name;
	const doing = `streaming the WAL of ${server}`;
	const session = { signal: context.signal, applicationName: 'backup-recovery WAL', doing };
	const facts = await withReplication(connection, session, readServerFacts);
	const request = { name: walLockName(facts.systemIdentifier), mode: 'exclusive' as const, purpose: doing, waitSeconds: options.lockWaitSeconds };
	return await withLock(store, context, request, async (_lock, signal) => {
		const stream = new WalStream(options, server, facts, store, { ...context, signal }, emit);
		return await stream.run();
	});
}

class WalStream {
	private tally: WalTally;
	private archiver: SegmentArchiver | undefined;
	private exposedMs = 0;
	/** Whether this connection has come as far as archiving. */
	private began = false;

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

	/** Connects again and again. */
	async run(): Promise<never> {
		const { signal } = this.context;
		const timers = this.startTimers();
		let pauseMs = FIRST_PAUSE_MS;
		try {
			for (let first = true; ; first = false) {
				this.began = false;
				const error = await this.connectOnce();
				if (signal.aborted) throw abortError(signal);
				if (!PASSING.has(error.code) || (first && !this.began)) throw error;
				if (this.began) pauseMs = FIRST_PAUSE_MS;
				this.warn(`${error.message} It is tried again.`, error.hint, error.code);
				await pause(pauseMs, signal);
				pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
			}
		} finally {
			timers.forEach(clearInterval);
		}
	}

	/** Streams until that ends. @returns why */
	private async connectOnce(): Promise<BackupError> {
		const { connection, slotName, compressionLevel } = this.options;
		const { context, store, server } = this;
		const { signal } = context;
		try {
			await withReplication(connection, { signal, applicationName: 'backup-recovery WAL', doing: `streaming the WAL of ${server}` }, async (session) => {
				const facts = await readServerFacts(session);
				this.requireSame(facts);
				const run = {
					session,
					facts,
					store,
					slotName,
					compressionLevel,
					signal,
					context,
					onArchiver: (archiver: SegmentArchiver) => (this.archiver = archiver),
					onStart: ({ timeline, start }: { readonly timeline: number; readonly start: bigint }) => {
						this.began = true;
						context.progress({ step: `Streaming the WAL of ${server}` });
						this.emit({ event: 'started', at: this.now(), server, systemIdentifier: facts.systemIdentifier, timeline, fromLsn: formatLsn(start) });
					},
					onGap: (gap: { readonly from: bigint; readonly to: bigint }) => this.tally.gap(gap),
					onArchived: (...[record, written, exposedMs]: Parameters<Parameters<typeof runArchiving>[0]['onArchived']>) => {
						this.tally.add(record, written);
						this.exposedMs = Math.max(this.exposedMs, exposedMs);
						if (record.content === 'segment' && this.options.itemPerSegment) this.emitArchived();
					},
				};
				await runArchiving(run, null);
			});
			return new BackupError('SERVER_UNREACHABLE', `The server ${server} ended the stream.`, 'It shuts down or restarts. Check that it comes back.');
		} catch (error) {
			return toBackupError(error);
		} finally {
			this.archiver = undefined;
		}
	}

	private startTimers(): NodeJS.Timeout[] {
		const { pieceSeconds, itemSeconds } = this.options;
		// What goes wrong reaches the stream itself.
		const piece = setInterval(() => void this.archiver?.archivePiece().catch(() => undefined), pieceSeconds * 1000);
		const item = itemSeconds === null ? [] : [setInterval(() => this.emitArchived(), itemSeconds * 1000)];
		const watch = watchServer(this.options, this.context, {
			lastCommitAt: () => this.tally.lastCommit,
			slot: (slot) => (this.tally.slot = slot),
			warn: (message) => this.warn(message, 'Archiving goes on as long as it can.', null),
		});
		return [piece, ...item, ...watch];
	}

	private emitArchived(): void {
		const rpoSeconds = Math.round(this.exposedMs) / 1000;
		this.emit({ event: 'archived', at: this.now(), ...this.tally.summary(this.tally.slot), rpoSeconds });
		const next = this.newTally();
		next.continue(this.tally);
		this.tally = next;
		this.exposedMs = 0;
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

	private warn(message: string, hint: string, code: ErrorCode | null): void {
		this.emit({ event: 'warning', at: this.now(), server: this.server, message, hint, code });
	}

	private now(): string {
		return this.context.now().toISOString();
	}
}
