import { BackupError } from '../../core/errors';
import { formatLsn, type Lsn } from '../replication/lsn';

/** `XLogPageHeaderData` and `XLogLongPageHeaderData` of access/xlog_internal.h, with their padding. */
export const SHORT_HEADER = 24;
export const LONG_HEADER = 40;

const FIRST_IS_CONTINUATION = 0x0001;
const LONG = 0x0002;
const FIRST_IS_OVERWRITTEN_CONTINUATION = 0x0008;
const ALL_FLAGS = 0x000f;

/** `XLOG_PAGE_MAGIC` of each major version. */
const MAGIC: Readonly<Record<number, number>> = { 13: 0xd106, 14: 0xd10d, 15: 0xd110, 16: 0xd113, 17: 0xd116, 18: 0xd118 };
const NEWEST_MAGIC = 0xd118;

/** What the log is said to be; a page that is of another one is refused. */
export interface WalOrigin {
	readonly systemIdentifier: string;
	/** Pages of the ancestors are part of it: a timeline's first segment begins with what was copied from the one before. */
	readonly timeline: number;
	readonly segmentBytes: number;
	readonly serverMajor: number;
}

export interface PageHeader {
	readonly timeline: number;
	/** Of the record that began before this page, how many bytes are left; 0: none. */
	readonly continuation: number;
	/** The record that began before was never finished: the server crashed, and wrote another one in the place of its rest. */
	readonly abandoned: boolean;
	/** Of the first page of a segment only. */
	readonly pageBytes?: number;
}

/**
 * Reads the header of the page at `at` and checks that it is one of this log.
 * @throws BackupError `WAL_INVALID`
 */
export function readPageHeader(bytes: Buffer, at: Lsn, origin: WalOrigin, first: boolean): PageHeader {
	const magic = bytes.readUInt16LE(0);
	const expected = MAGIC[origin.serverMajor];
	if (expected === undefined ? magic <= NEWEST_MAGIC || magic > 0xdfff : magic !== expected) {
		throw invalidWal(at, `the page begins with ${hex(magic)} instead of ${expected === undefined ? 'a known mark' : hex(expected)}, the mark of PostgreSQL ${origin.serverMajor}`);
	}
	const flags = bytes.readUInt16LE(2);
	if ((flags & ~ALL_FLAGS) !== 0) throw invalidWal(at, `the page has the unknown flags ${hex(flags)}`);
	const address = bytes.readBigUInt64LE(8);
	if (address !== at) throw invalidWal(at, `the page says that it is the one at ${formatLsn(address)}`);
	const timeline = bytes.readUInt32LE(4);
	if (timeline === 0 || timeline > origin.timeline) throw invalidWal(at, `the page is of timeline ${timeline}, not of ${origin.timeline} or one before it`);
	if (first !== ((flags & LONG) !== 0)) throw invalidWal(at, first ? 'the first page of the segment has no long header' : 'a page inside the segment has a long header');
	const continuation = (flags & FIRST_IS_CONTINUATION) === 0 ? 0 : bytes.readUInt32LE(16);
	const header = { timeline, continuation, abandoned: (flags & FIRST_IS_OVERWRITTEN_CONTINUATION) !== 0 };
	return first ? { ...header, pageBytes: readLongHeader(bytes, at, origin) } : header;
}

function readLongHeader(bytes: Buffer, at: Lsn, origin: WalOrigin): number {
	const system = bytes.readBigUInt64LE(24).toString();
	if (system !== origin.systemIdentifier) throw invalidWal(at, `the segment is one of the server ${system}, not of ${origin.systemIdentifier}`);
	const segmentBytes = bytes.readUInt32LE(32);
	if (segmentBytes !== origin.segmentBytes) throw invalidWal(at, `the segment has ${segmentBytes} bytes instead of ${origin.segmentBytes}`);
	const pageBytes = bytes.readUInt32LE(36);
	if (pageBytes < 1024 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) throw invalidWal(at, `its pages would have ${pageBytes} bytes`);
	return pageBytes;
}

/** The error for bytes that are not the log they should be. */
export function invalidWal(at: Lsn, problem: string): BackupError {
	return new BackupError(
		'WAL_INVALID',
		`The write-ahead log is not valid at ${formatLsn(at)}: ${problem}.`,
		'It was damaged, or comes from another server or timeline. Recovery cannot pass this point; bring the segment back from another copy, or take a new base backup.',
	);
}

function hex(value: number): string {
	return `0x${value.toString(16).toUpperCase()}`;
}
