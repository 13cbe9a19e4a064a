import { formatLsn, type Lsn, parseLsn } from '../../replication/lsn';
import { segmentStart } from '../../replication/wal-segment';
import { BackupError } from '../../../core/errors';
import type { BasebackupDetails } from '../../../catalog/basebackup-manifest';
import { microseconds, serverTimeText } from '../../wal/server-time';
import { type WalRecordHeader, WalWalker } from '../../wal/walk-records';

/** A transaction as the log knows it. */
export interface Commit {
	/** Where its commit record begins: a recovery that stops just before or just after it has this as its target. */
	readonly lsn: string;
	/** By the clock of the server that was backed up. */
	readonly at: string;
	readonly xid: number;
}

/** `RM_XACT_ID`; commits and commits of prepared transactions of access/xact.h. */
const RMGR_TRANSACTION = 1;
const KINDS = new Set([0x00, 0x30]);
/** 20 bytes each. */
const MOST = 4 * 1024 * 1024;
/** PostgreSQL's time begins in 2000. */
const EPOCH = 946_684_800_000_000n;

/**
 * The commits of a stretch of the log, in its order. Of more than fit, every second, fourth … is kept: then `stride` commits lie between neighbours.
 */
export class CommitSeries {
	stride = 1;
	/** All that were seen in the stretch. */
	seen = 0;
	private count = 0;
	private begun = false;
	/** Up to the last that is not younger than the end of the stretch. */
	private inside = 0;
	private room = 1024;
	private lsns = new Float64Array(this.room);
	private times = new Float64Array(this.room);
	private xids = new Uint32Array(this.room);
	private walker: WalWalker | undefined;
	private readonly after: number;
	private readonly until: number;
	private readonly endOfBase: Lsn;

	/** @param from commits before and at it do not count; @param to nor do those after it */
	constructor(base: BasebackupDetails, timeline: number, { from, to }: { readonly from: string; readonly to: string }, private readonly most = MOST) {
		const { systemIdentifier, segmentBytes, serverVersionNumber, startLsn, endLsn } = base;
		this.after = Number(microseconds(from));
		this.until = Number(microseconds(to));
		this.endOfBase = parseLsn(endLsn);
		const serverMajor = Math.floor(serverVersionNumber / 10_000);
		this.walker = new WalWalker({ systemIdentifier, timeline, segmentBytes, serverMajor, start: segmentStart(parseLsn(startLsn), segmentBytes), onRecord: (record) => this.look(record) });
	}

	/** How many can be told apart. */
	get length(): number {
		return Math.floor((this.inside + this.stride - 1) / this.stride);
	}

	/** The next bytes of the log. */
	push(bytes: Uint8Array): void {
		try {
			this.walker?.push(bytes);
		} catch (error) {
			if (!(error instanceof BackupError) || error.code !== 'WAL_INVALID') throw error;
			// Where the log ends for us it ends for the server, too.
			this.walker = undefined;
		}
	}

	/** @param index from 0, less than `length` */
	at(index: number): Commit {
		const [lsn, time, xid] = [this.lsns[index], this.times[index], this.xids[index]];
		if (index < 0 || index >= this.length || lsn === undefined || time === undefined || xid === undefined) throw new RangeError(`There is no commit ${index} of ${this.length}.`);
		return { lsn: formatLsn(BigInt(lsn)), at: serverTimeText(BigInt(time) - EPOCH), xid };
	}

	private look({ start, resourceManager, info, xid }: WalRecordHeader): void {
		if (resourceManager !== RMGR_TRANSACTION || !KINDS.has(info & 0x70)) return;
		const at = this.walker?.takeTimes().lastCommitAt ?? null;
		if (at === null || start < this.endOfBase) return;
		this.add(Number(start), Number(microseconds(at)), xid);
	}

	private add(lsn: number, time: number, xid: number): void {
		// The log has commits in the order in which they count, their times may differ from it by a hair.
		this.begun ||= time > this.after;
		if (!this.begun) return;
		const number = this.seen++;
		if (time <= this.until) this.inside = this.seen;
		if (number % this.stride !== 0) return;
		if (this.count === this.most) this.thinOut();
		if (number % this.stride !== 0) return;
		if (this.count === this.room) this.grow();
		[this.lsns[this.count], this.times[this.count], this.xids[this.count]] = [lsn, time, xid];
		this.count += 1;
	}

	private thinOut(): void {
		for (let kept = 0; kept * 2 < this.count; kept++) {
			for (const numbers of [this.lsns, this.times, this.xids]) numbers[kept] = numbers[kept * 2] as number;
		}
		this.count = Math.ceil(this.count / 2);
		this.stride *= 2;
	}

	private grow(): void {
		this.room = Math.min(this.room * 2, this.most);
		const [lsns, times, xids] = [new Float64Array(this.room), new Float64Array(this.room), new Uint32Array(this.room)];
		lsns.set(this.lsns);
		times.set(this.times);
		xids.set(this.xids);
		[this.lsns, this.times, this.xids] = [lsns, times, xids];
	}
}
