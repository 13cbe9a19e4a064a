import type { Lsn } from '../replication/lsn';
import type { TimesCollector } from './wal-times';

const RECORD_HEADER = 24;

const RMGR_XLOG = 0;
const RMGR_TRANSACTION = 1;
/** Lower bits of a transaction's `info` say more about its contents. */
const TRANSACTION_MASK = 0x70;
const COMMIT = 0x00;
const COMMIT_PREPARED = 0x30;
const RESTORE_POINT = 0x70;
const NAME_BYTES = 64;

/** Ids of what stands before a record's main data (access/xlogrecord.h). */
const DATA_SHORT = 255;
const DATA_LONG = 254;
const ORIGIN = 253;
const TOP_LEVEL_XID = 252;

/**
 * Notes what a record says about time: commits (also prepared ones) and restore points. `record` are its first bytes.
 * `xl_xact_commit` of access/xact.h, `xl_restore_point` of access/xlog_internal.h: both begin with the time.
 */
export function readTimes(record: Buffer, { resourceManager, info, end }: { resourceManager: number; info: number; end: Lsn }, times: TimesCollector): void {
	const commit = resourceManager === RMGR_TRANSACTION && [COMMIT, COMMIT_PREPARED].includes(info & TRANSACTION_MASK);
	const point = resourceManager === RMGR_XLOG && (info & 0xf0) === RESTORE_POINT;
	if (!commit && !point) return;
	const at = mainDataAt(record);
	if (at === undefined || at + 8 > record.length) return;
	const time = record.readBigInt64LE(at);
	if (commit) return times.commit(time);
	const name = record.subarray(at + 8, Math.min(at + 8 + NAME_BYTES, record.length));
	const zero = name.indexOf(0);
	times.restorePoint(name.subarray(0, zero < 0 ? name.length : zero).toString('utf8'), time, end);
}

/** Where the main data of a record without blocks begins; these kinds have none. */
function mainDataAt(record: Buffer): number | undefined {
	for (let at = RECORD_HEADER; at < record.length; ) {
		switch (record[at]) {
			case DATA_SHORT:
				return at + 2;
			case DATA_LONG:
				return at + 5;
			case ORIGIN:
				at += 3;
				break;
			case TOP_LEVEL_XID:
				at += 5;
				break;
			default:
				return undefined;
		}
	}
	return undefined;
}
