import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import { BackupError } from '../../core/errors';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import { segmentStart } from '../replication/wal-segment';
import { microseconds } from '../wal/server-time';
import { type WalRecordHeader, WalWalker } from '../wal/walk-records';
import type { RecoveryTarget } from './target';

/** `RM_TBLSPC_ID` and `XLOG_TBLSPC_CREATE` of access/rmgrlist.h and commands/tablespace.h. */
const RMGR_TABLESPACE = 5;
const CREATE = 0x00;
/** `RM_XACT_ID`; commit and abort of access/xact.h. */
const RMGR_TRANSACTION = 1;
const ENDS = new Set([0x00, 0x20]);

/**
 * Looks for tablespaces that the WAL creates on the way to the target. A server that replays that uses the folder that the tablespace has on the
 * original server (some versions empty it first): on the same machine it would write over the live one's data. So such WAL must not reach a server.
 */
export class TablespaceGuard {
	private walker: WalWalker | undefined;
	private readonly from: Lsn;
	private begun = false;
	/** Replay ends before what comes now. */
	private past = false;

	/** @param timeline on which the WAL ends */
	constructor(
		base: BasebackupDetails,
		timeline: number,
		private readonly target: RecoveryTarget,
	) {
		const { systemIdentifier, segmentBytes, serverVersionNumber, startLsn } = base;
		this.from = parseLsn(startLsn);
		const serverMajor = Math.floor(serverVersionNumber / 10_000);
		this.walker = new WalWalker({ systemIdentifier, timeline, segmentBytes, serverMajor, start: segmentStart(this.from, segmentBytes), onRecord: (record) => this.look(record) });
	}

	/**
	 * The next bytes of the log, from the start of the segment on in which the base backup starts.
	 * @throws BackupError `TARGET_UNREACHABLE`; `WAL_DAMAGED` where the log cannot be followed before the target, so that nobody knows what it would do
	 */
	push(bytes: Uint8Array): void {
		const { walker } = this;
		if (!walker) return;
		try {
			walker.push(bytes);
		} catch (error) {
			if (!(error instanceof BackupError) || error.code !== 'WAL_INVALID') throw error;
			this.past ||= this.stopsBefore(walker.recordsEnd);
			this.walker = undefined;
			if (this.past) return;
			throw new BackupError('WAL_DAMAGED', `The archived WAL cannot be followed up to the target: ${error.message}`, 'Bring the segment back from another copy of the store, or recover to a point before it. Nothing was started.', { cause: error });
		}
	}

	private look({ start, resourceManager, info, xid }: WalRecordHeader): void {
		if (start < this.from) return;
		if (!this.begun) this.walker?.takeTimes();
		this.begun = true;
		if (this.target.by === 'xid') this.past ||= resourceManager === RMGR_TRANSACTION && ENDS.has(info & 0x70) && BigInt(xid) === BigInt.asUintN(32, BigInt(this.target.xid));
		if (resourceManager !== RMGR_TABLESPACE || (info & 0xf0) !== CREATE) return;
		this.past ||= this.stopsBefore(start);
		if (this.past) return;
		throw new BackupError(
			'TARGET_UNREACHABLE',
			`The WAL creates a tablespace at ${formatLsn(start)}, after the base backup began. A server that replays this writes into the folder that the tablespace has on the original server, which may be the live one's.`,
			'Recover from a base backup that was taken after the tablespace was created, or to a moment before it. No server was started.',
		);
	}

	/** Whether the log up to here reaches the target. */
	private stopsBefore(start: Lsn): boolean {
		const { target } = this;
		const times = this.walker?.takeTimes();
		switch (target.by) {
			case 'lsn':
				return start >= parseLsn(target.lsn.toUpperCase());
			case 'time': {
				const last = times?.lastCommitAt ?? null;
				return last !== null && microseconds(last) > microseconds(target.time);
			}
			case 'name':
				return times?.restorePoints.some(({ name }) => name === target.name) ?? false;
			case 'latest':
			case 'xid':
				return false;
		}
	}
}
