import { BackupError } from '../../core/errors';

/** A place in the write-ahead log: the number of bytes before it. Compare and subtract as numbers, show as `16/B374D848`. */
export type Lsn = bigint;

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Reads PostgreSQL's text form, `16/B374D848`. @throws BackupError `INVALID_INPUT` */
export function parseLsn(text: string): Lsn {
	const [, high, low] = LSN.exec(text.trim()) ?? [];
	if (high === undefined || low === undefined) {
		throw new BackupError('INVALID_INPUT', `${JSON.stringify(text)} is not an LSN.`, 'An LSN has the form 16/B374D848, as pg_current_wal_lsn() shows it.');
	}
	return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** As PostgreSQL shows it. */
export function formatLsn(lsn: Lsn): string {
	return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}
