import type { WalTimes } from '../../catalog/wal-manifest';
import { formatLsn, type Lsn } from '../replication/lsn';
import { crc32c, CRC32C_START } from './crc32c';
import { invalidWal, LONG_HEADER, readPageHeader, SHORT_HEADER, type WalOrigin } from './page-header';
import { readTimes } from './record-times';
import { TimesCollector } from './wal-times';

/** `XLogRecord` of access/xlogrecord.h. */
const RECORD_HEADER = 24;
const INFO_AT = 16;
const MANAGER_AT = 17;
const CRC_AT = 20;
/** Enough of a record for all that is read of its contents: block and origin headers, a time and a restore point's name. */
const BODY_HEAD = 128;
const ALIGNMENT = 8;
const RMGR_XLOG = 0;
const RMGR_TRANSACTION = 1;
const XLOG_SWITCH = 0x40;

/** The header of one record of the log. */
export interface WalRecordHeader {
	readonly start: Lsn;
	/** The next record's place, if it follows on the same page. */
	readonly end: Lsn;
	readonly bytes: number;
	readonly xid: number;
	readonly resourceManager: number;
	readonly info: number;
}

export interface WalkOptions extends WalOrigin {
	/** Of a segment; the first byte pushed is the one there. */
	readonly start: Lsn;
	/** Compute each record's CRC-32C. Costs much more than walking, and finds what a digest cannot: bytes that were wrong when they came. */
	readonly checksums?: boolean;
	readonly onRecord?: (record: WalRecordHeader) => void;
}

/**
 * Walks the write-ahead log from the start of a segment, pushed in chunks of any size, also on over the ends of segments. Memory is flat.
 * Checks that it is the log of this server at this place: each page's mark, address, timeline and, per segment, the server; each
 * record's length and its link to the one before; on demand its checksum.
 * https://www.postgresql.org/docs/current/wal-internals.html, access/xlog_internal.h, access/xlogrecord.h
 */
export class WalWalker {
	private readonly times = new TimesCollector();
	private readonly base: number;
	private offset = 0;
	private pageBytes = 8192;
	private readonly header = Buffer.alloc(LONG_HEADER);
	private headerFilled = 0;
	private headerBytes = LONG_HEADER;
	/** Bytes of the present page that are still to come, its header included. */
	private pageLeft = 0;
	private timeline = 0;

	private readonly record = Buffer.alloc(RECORD_HEADER + BODY_HEAD);
	/** Of the record under way: bytes seen, and all; 0: none is under way. */
	private seen = 0;
	private total = 0;
	private recordStart = 0;
	private crc = CRC32C_START;
	/** Bytes to pass over: padding, or the rest of a record whose beginning came before `start`. */
	private skip = 0;
	/** Whether `skip` is such a rest, which goes on after page headers. */
	private skipsRecord = false;
	private previous: number | undefined;
	private lastEnd = 0;
	private pastSwitch = false;

	constructor(private readonly options: WalkOptions) {
		if (options.start % BigInt(options.segmentBytes) !== 0n) throw invalidWal(options.start, 'no segment starts there');
		this.base = Number(options.start);
		this.startPage();
	}

	/** Where the bytes pushed so far end. */
	get position(): Lsn {
		return this.at(this.offset);
	}

	/** Where the last record that is complete ends; what comes after it cannot be replayed yet. */
	get recordsEnd(): Lsn {
		return this.at(this.lastEnd);
	}

	/** What the records that ended since the last call say about time. */
	takeTimes(): WalTimes {
		return this.times.take();
	}

	/** Takes the next bytes; keeps no reference to them. @throws BackupError `WAL_INVALID`; the walker is of no use afterwards */
	push(chunk: Uint8Array): void {
		let at = 0;
		while (at < chunk.length) {
			if (this.pageLeft === 0) this.startPage();
			const left = chunk.length - at;
			const taken =
				this.pastSwitch ? this.takeRest(left)
				: this.headerFilled < this.headerBytes ? this.takePageHeader(chunk, at)
				: this.skip > 0 ? this.takeSkipped(left)
				: this.takeRecord(chunk, at);
			at += taken;
			this.offset += taken;
			this.pageLeft -= taken;
			if (!this.pastSwitch && this.headerFilled === this.headerBytes && this.headerBytes > 0) this.openPage();
			this.endRecord();
			if (this.pastSwitch && this.offset % this.options.segmentBytes === 0) this.pastSwitch = false;
		}
	}

	private at(offset: number): Lsn {
		return this.options.start + BigInt(offset);
	}

	private startPage(): void {
		const firstOfSegment = this.offset % this.options.segmentBytes === 0;
		this.pageLeft = this.pageBytes;
		this.headerFilled = 0;
		this.headerBytes = firstOfSegment ? LONG_HEADER : SHORT_HEADER;
	}

	/** After a switch the rest of the segment is empty, also where page headers would be. */
	private takeRest(left: number): number {
		return Math.min(left, this.pageLeft);
	}

	private takePageHeader(chunk: Uint8Array, at: number): number {
		const taken = Math.min(chunk.length - at, this.headerBytes - this.headerFilled);
		this.header.set(chunk.subarray(at, at + taken), this.headerFilled);
		this.headerFilled += taken;
		return taken;
	}

	private takeSkipped(left: number): number {
		const taken = Math.min(left, this.pageLeft, this.skip);
		this.skip -= taken;
		if (this.skip === 0 && this.skipsRecord) {
			this.skipsRecord = false;
			this.align(taken);
		}
		return taken;
	}

	private takeRecord(chunk: Uint8Array, at: number): number {
		if (this.seen === 0) this.recordStart = this.offset;
		const wanted = this.seen < RECORD_HEADER ? RECORD_HEADER - this.seen : this.total - this.seen;
		const taken = Math.min(chunk.length - at, this.pageLeft, wanted);
		const end = at + taken;
		if (this.seen < RECORD_HEADER || (this.seen < this.record.length && tellsTime(this.record))) {
			const kept = Math.min(taken, this.record.length - this.seen);
			// Byte by byte: views and copies of so few bytes cost more than the bytes.
			for (let byte = 0; byte < kept; byte++) this.record[this.seen + byte] = chunk[at + byte] as number;
		}
		if (this.options.checksums === true && this.seen >= RECORD_HEADER) this.crc = crc32c(this.crc, chunk, at, end);
		const before = this.seen;
		this.seen += taken;
		// The length never crosses a page: records are aligned to 8 bytes, and so are pages.
		if (before < 4 && this.seen >= 4) {
			this.total = this.record.readUInt32LE(0);
			if (this.total < RECORD_HEADER) throw invalidWal(this.at(this.recordStart), `a record of ${this.total} bytes begins there`);
		}
		if (before < RECORD_HEADER && this.seen >= RECORD_HEADER) this.checkHeader();
		return taken;
	}

	private checkHeader(): void {
		if (this.previous === undefined) return;
		// As numbers: exact up to 9 petabytes of log, and a hundred times faster.
		const before = this.record.readUInt32LE(12) * 0x1_0000_0000 + this.record.readUInt32LE(8);
		if (before === this.base + this.previous) return;
		throw invalidWal(this.at(this.recordStart), `the record there follows one at ${formatLsn(BigInt(before))}, and the one before it is at ${formatLsn(this.at(this.previous))}`);
	}

	/** Once the page's header is complete. */
	private openPage(): void {
		const bytes = this.headerBytes;
		const at = this.at(this.offset - bytes);
		const page = readPageHeader(this.header, at, this.options, bytes === LONG_HEADER);
		this.headerBytes = 0;
		this.headerFilled = 0;
		if (page.timeline < this.timeline) throw invalidWal(at, `the page is of timeline ${page.timeline} and follows one of timeline ${this.timeline}`);
		this.timeline = page.timeline;
		if (page.pageBytes !== undefined) {
			this.pageBytes = page.pageBytes;
			this.pageLeft = page.pageBytes - bytes;
		}
		const rest = this.skipsRecord ? this.skip : this.seen > 0 ? this.total - this.seen : 0;
		if (this.offset === bytes) {
			this.skip = page.continuation;
			this.skipsRecord = page.continuation > 0;
		} else if (page.abandoned && rest > 0) {
			this.dropRecord();
			this.skip = 0;
			this.skipsRecord = false;
		} else if (page.continuation !== rest) {
			throw invalidWal(at, `the page goes on with ${page.continuation} bytes of a record of which ${rest} are missing`);
		}
	}

	/** Once the record under way is complete. */
	private endRecord(): void {
		if (this.seen < RECORD_HEADER || this.seen < this.total) return;
		if (this.options.checksums === true) this.compareChecksum();
		const bytes = this.total;
		this.previous = this.recordStart;
		this.dropRecord();
		this.align(0);
		this.lastEnd = this.offset + this.skip;
		const resourceManager = this.record[MANAGER_AT] as number;
		const info = this.record[INFO_AT] as number;
		if (tellsTime(this.record)) readTimes(this.record.subarray(0, Math.min(bytes, this.record.length)), { resourceManager, info, end: this.at(this.lastEnd) }, this.times);
		this.options.onRecord?.({ start: this.at(this.recordStart), end: this.at(this.lastEnd), bytes, xid: this.record.readUInt32LE(4), resourceManager, info });
		if (resourceManager === RMGR_XLOG && (info & 0xf0) === XLOG_SWITCH) this.startRest();
	}

	private dropRecord(): void {
		this.seen = 0;
		this.total = 0;
		this.crc = CRC32C_START;
	}

	private startRest(): void {
		this.skip = 0;
		this.pastSwitch = this.offset % this.options.segmentBytes !== 0;
		this.lastEnd = Math.ceil(this.offset / this.options.segmentBytes) * this.options.segmentBytes;
	}

	private compareChecksum(): void {
		const found = ~crc32c(this.crc, this.record, 0, CRC_AT);
		const recorded = this.record.readInt32LE(CRC_AT);
		if (found !== recorded) throw invalidWal(this.at(this.recordStart), `the checksum of the record there is ${hex(found)} instead of ${hex(recorded)}`);
	}

	/** Lets the next record begin where one may. `ahead`: bytes taken that `offset` does not count yet. */
	private align(ahead: number): void {
		const over = (this.offset + ahead) % ALIGNMENT;
		this.skip = over === 0 ? 0 : ALIGNMENT - over;
	}
}

/** Whether a record may be a commit or a restore point. */
function tellsTime(record: Uint8Array): boolean {
	return record[MANAGER_AT] === RMGR_XLOG || record[MANAGER_AT] === RMGR_TRANSACTION;
}

function hex(value: number): string {
	return (value >>> 0).toString(16).padStart(8, '0');
}
