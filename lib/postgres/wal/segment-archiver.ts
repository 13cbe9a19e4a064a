import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { WalRecord, WalTimes } from '../../catalog/wal-manifest';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, type Lsn } from '../replication/lsn';
import { segmentName, segmentStart } from '../replication/wal-segment';
import type { WalPart } from './archive-index';
import { ExposedBytes } from './exposed-bytes';
import { Gate } from './gate';
import type { WalOrigin } from './page-header';
import type { WalSink } from './receive-timeline';
import { bySegment, knownPieces, type SegmentPiece } from './segment-pieces';
import { SegmentSpool } from './segment-spool';
import { SupersededPieces } from './superseded-pieces';
import { pieceName, readUsableRecord, readWalRecord, removeWal, type WriteWalOptions, writeWal } from './wal-archive';
import { addTimes } from './wal-times';
import { WalWalker } from './walk-records';

/** Bytes in memory that are not written to a file yet. */
const MOST_HELD = 16 * 1024 * 1024;
/** Complete segments that wait for the store. */
const MOST_WAITING = 3;
/** Of one segment; then a piece that holds all of them takes their place. */
const MOST_PIECES = 60;

/**
 * `written` is false for an object that was there with the same bytes. `exposedMs`: how long the oldest byte of it was nowhere but on the
 * server, counted from when it was committed there, as far as the server's clock tells.
 */
export type OnArchived = (record: WalRecord, written: boolean, exposedMs: number) => void;

export interface ArchiverOptions extends WalOrigin {
	readonly store: Store;
	/** The start of a segment. */
	readonly start: Lsn;
	/** Whether the server writes this timeline itself, now: then the moment of sending says up to when everything is here. */
	readonly live: boolean;
	/** What is archived of this timeline already. */
	readonly known: readonly WalPart[];
	readonly folder: string;
	readonly write: WriteWalOptions;
	readonly now: () => Date;
	/** Told of each object once it is durable. */
	readonly onArchived: OnArchived;
	/** Stops and lets go the source, and cuts it off when archiving fails. */
	readonly source: { pause(): void; resume(): void; destroy(reason: unknown): void };
}

interface OpenSegment {
	readonly name: string;
	readonly start: Lsn;
	readonly spool: SegmentSpool;
	/** Of earlier runs, and of this one; none that another one holds. */
	pieces: readonly SegmentPiece[];
	/** Up to where pieces of this run hold it, as offset. */
	piecesEnd: number;
	times: WalTimes | undefined;
	/** Since the last piece. */
	newTimes: WalTimes | undefined;
}

/**
 * Archives the log of one timeline as it comes in, whole segments and, when asked, pieces of the open one. Objects are written one after
 * the other in the order of the log, so that what is durable never has a gap.
 */
export class SegmentArchiver implements WalSink {
	private readonly walker: WalWalker;
	private readonly gate: Gate;
	private readonly known: ReadonlyMap<string, readonly WalPart[]>;
	private current: OpenSegment | undefined;
	/** Those whose files exist. */
	private readonly spools = new Set<SegmentSpool>();
	private position: Lsn;
	private durableTo: Lsn;
	private sentAt: Date | undefined;
	private serverEnd: Lsn = 0n;
	private writing: Promise<void> = Promise.resolve();
	private readonly exposed: ExposedBytes;
	/** Of the task at work: says for how long what it makes durable was exposed. */
	private exposedMs: (nothingSince: boolean) => number = () => 0;
	/** Up to where earlier runs archived the segment with which this one begins. Where a timeline or an archive begins, that segment holds what is older than it. */
	private readonly knownTo: Lsn;
	private readonly superseded = new SupersededPieces(async (name) => await this.removePiece(name));
	private failure: { readonly error: unknown } | undefined;

	constructor(private readonly options: ArchiverOptions) {
		this.walker = new WalWalker(options);
		this.gate = new Gate(options.source);
		this.position = options.start;
		this.durableTo = options.start;
		this.known = bySegment(options.known, options.segmentBytes);
		this.exposed = new ExposedBytes(options.live);
		const begun = this.known.get(segmentName(options.timeline, options.start, options.segmentBytes)) ?? [];
		this.knownTo = options.known.length === 0 ? options.start + BigInt(options.segmentBytes) : begun.reduce((last, { end }) => (end > last ? end : last), options.start);
	}

	get durable(): Lsn {
		return this.durableTo;
	}

	/** Since when the oldest of what came is nowhere but on the server, by `performance.now()`; undefined: all of it is durable. */
	get exposedSince(): number | undefined {
		return this.exposed.exposedSince;
	}

	/** @throws BackupError `WAL_INVALID` */
	take(bytes: Buffer, sentAt: Date, serverEnd: Lsn): void {
		if (this.failure) throw this.failure.error;
		this.sentAt = sentAt;
		this.serverEnd = serverEnd;
		this.exposed.receive(sentAt);
		for (let rest = bytes; rest.length > 0; ) {
			const segment = (this.current ??= this.openSegment());
			const room = this.options.segmentBytes - segment.spool.bytes;
			const part = rest.subarray(0, room);
			this.walker.push(part);
			this.gate.add('held', part.length, MOST_HELD);
			segment.spool.append(part);
			const before = this.position;
			this.position += BigInt(part.length);
			// What comes again was exposed once, and is so no longer.
			if (before < this.knownTo && this.position >= this.knownTo) this.collectTimes(segment, true);
			rest = rest.subarray(part.length);
			if (part.length === room) this.completeSegment(segment, this.upToDate(sentAt));
		}
	}

	/** Archives what came of the open segment since its last piece. Resolves when it is durable. */
	async archivePiece(): Promise<void> {
		const segment = this.current;
		const sentAt = this.sentAt && this.upToDate(this.sentAt);
		if (segment && sentAt !== undefined && segment.spool.bytes > segment.piecesEnd) {
			this.collectTimes(segment);
			const times = segment.newTimes;
			segment.newTimes = undefined;
			const all = segment.times;
			// The first of a run begins with the segment, and so does every sixtieth: what they hold is needed no longer.
			const whole = segment.piecesEnd === 0 || segment.pieces.length >= MOST_PIECES;
			const from = whole ? 0 : segment.piecesEnd;
			const to = segment.spool.bytes;
			segment.piecesEnd = to;
			this.enqueue(async () => await this.writePiece(segment, from, to, { times: whole ? all : times, sentAt }));
		}
		await this.settled();
	}

	async drain(): Promise<void> {
		await this.archivePiece();
	}

	/** Ends it however far it came; files are removed. */
	async close(): Promise<void> {
		this.failure ??= { error: new Error('closed') };
		await this.writing;
		await Promise.all([...this.spools].map(async (spool) => await spool.remove()));
	}

	private openSegment(): OpenSegment {
		const { timeline, segmentBytes, folder } = this.options;
		const name = segmentName(timeline, this.position, segmentBytes);
		const start = segmentStart(this.position, segmentBytes);
		const spool = new SegmentSpool(join(folder, name), (bytes) => this.gate.take('held', bytes), (error) => this.fail(error));
		this.spools.add(spool);
		const { pieces, superseded } = knownPieces(this.known.get(name) ?? [], start);
		this.superseded.add(superseded);
		return { name, start, pieces, piecesEnd: 0, times: undefined, newTimes: undefined, spool };
	}

	/** @param known whether it was archived before */
	private collectTimes(segment: OpenSegment, known = this.position < this.knownTo): void {
		const times = this.walker.takeTimes();
		if (!known) this.exposed.commits(times);
		segment.times = addTimes(segment.times, times);
		segment.newTimes = addTimes(segment.newTimes, times);
	}

	/** Where the server had more to send, the moment of sending says nothing: what is still to come may be older. Of a timeline that was left, its end is all there is. */
	private upToDate(sentAt: Date): Date | null {
		return this.options.live && this.serverEnd <= this.position ? sentAt : null;
	}

	private completeSegment(segment: OpenSegment, sentAt: Date | null): void {
		this.collectTimes(segment);
		this.current = undefined;
		this.gate.add('waiting', 1, MOST_WAITING);
		this.enqueue(async () => {
			await this.writeSegment(segment, sentAt);
			this.gate.take('waiting', 1);
		});
	}

	/** All that came before the present task began to wait is durable now. */
	private async archived(record: WalRecord, written: boolean): Promise<void> {
		this.options.onArchived(record, written, this.exposedMs(this.durableTo === this.position));
		await this.superseded.removeOld();
	}

	private enqueue(task: () => Promise<void>): void {
		const exposedMs = this.exposed.mark();
		this.writing = this.writing.then(async () => {
			if (this.failure) return;
			this.exposedMs = exposedMs;
			try {
				await task();
			} catch (error) {
				this.fail(error);
			}
		});
	}

	private fail(error: unknown): void {
		this.failure ??= { error };
		this.options.source.destroy(this.failure.error);
	}

	private async settled(): Promise<void> {
		await this.writing;
		if (this.failure) throw this.failure.error;
	}

	private async writeSegment(segment: OpenSegment, sentAt: Date | null): Promise<void> {
		const { segmentBytes } = this.options;
		await this.comparePieces(segment, segmentBytes);
		const whole = this.known.get(segment.name)?.some((part) => part.whole) === true;
		const existing = whole ? await this.compareWhole(segment) : undefined;
		const record = existing ?? (await this.write(segment, segment.name, 0, segmentBytes, { content: 'segment', times: segment.times, sentAt }));
		this.durableTo = segment.start + BigInt(segmentBytes);
		await segment.spool.remove();
		this.spools.delete(segment.spool);
		this.superseded.add(segment.pieces.map((piece) => piece.name));
		await this.archived(record, existing === undefined);
	}

	private async writePiece(segment: OpenSegment, from: number, to: number, facts: { readonly times: WalTimes | undefined; readonly sentAt: Date | null }): Promise<void> {
		await this.comparePieces(segment, to);
		const name = pieceName(segment.name, from, to);
		const record = await this.write(segment, name, from, to, { content: 'piece', ...facts });
		this.durableTo = segment.start + BigInt(to);
		const contained = segment.pieces.filter((piece) => piece.name !== name && piece.from >= from && piece.to <= to);
		segment.pieces = [...segment.pieces.filter((piece) => piece.name !== name && !contained.includes(piece)), { from, to, name, compared: true }];
		this.superseded.add(contained.map((piece) => piece.name));
		await this.archived(record, true);
	}

	private async write(
		segment: OpenSegment,
		name: string,
		from: number,
		to: number,
		{ content, times, sentAt }: { readonly content: 'segment' | 'piece'; readonly times: WalTimes | undefined; readonly sentAt: Date | null },
	): Promise<WalRecord> {
		const { store, systemIdentifier, timeline, segmentBytes, serverMajor, now, write } = this.options;
		const facts = {
			content,
			systemIdentifier,
			timeline,
			file: segment.name,
			startLsn: formatLsn(segment.start + BigInt(from)),
			endLsn: formatLsn(segment.start + BigInt(to)),
			segmentBytes,
			serverMajor,
			archivedAt: now().toISOString(),
			sentAt: sentAt?.toISOString() ?? null,
			...(times && { times }),
		};
		return await writeWal(store, name, segment.spool.read(from, to), facts, write);
	}

	/** Pieces that another run left must be the beginning of this segment. */
	private async comparePieces(segment: OpenSegment, available: number): Promise<void> {
		const open = segment.pieces.filter(({ compared, to }) => !compared && to <= available);
		for (const piece of open) await this.compare(segment, piece.name, piece.from, piece.to, readUsableRecord);
		segment.pieces = segment.pieces.map((piece) => (open.includes(piece) ? { ...piece, compared: true } : piece));
	}

	private async removePiece(name: string): Promise<void> {
		const { store, systemIdentifier, timeline, write } = this.options;
		await removeWal(store, { name, timeline, systemIdentifier }, write.signal);
	}

	private async compareWhole(segment: OpenSegment): Promise<WalRecord | undefined> {
		return await this.compare(segment, segment.name, 0, this.options.segmentBytes, readWalRecord);
	}

	/** @throws BackupError `WAL_CONFLICT` */
	private async compare(segment: OpenSegment, name: string, from: number, to: number, read: typeof readUsableRecord): Promise<WalRecord | undefined> {
		const { store, systemIdentifier, timeline, write } = this.options;
		const record = await read(store, { name, timeline, systemIdentifier }, write.signal);
		if (!record) return undefined;
		const digest = createHash('sha256');
		for await (const chunk of segment.spool.read(from, to)) digest.update(chunk);
		if (digest.digest('hex') === record.artifact.sourceSha256) return record;
		throw new BackupError(
			'WAL_CONFLICT',
			`${name} is in the archive (${store.description}) with other bytes than the server has for it.`,
			'Two servers wrote the same timeline: one of them was copied, or went on after the other was promoted or recovered. Nothing was overwritten. Archive each of them into a store, or a folder prefix, of its own; then take a new base backup of the one that counts.',
		);
	}
}
