import { BackupError } from '../../core/errors';

/** Where a backup starts, and which earlier one an incremental one builds on. */
export interface BackupLabel {
	readonly startLsn: string;
	readonly startTimeline: number;
	/** null: it is a full one. */
	readonly from: { readonly lsn: string; readonly timeline: number } | null;
}

const INCREMENTAL_LINE = /^INCREMENTAL FROM (?:LSN|TLI): .*\n?/gm;

/**
 * Reads a `backup_label` (https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP).
 * @throws BackupError `ARTIFACT_DAMAGED`
 */
export function readBackupLabel(text: string, backup: string): BackupLabel {
	const [, startLsn] = /^START WAL LOCATION: ([0-9A-F]{1,8}\/[0-9A-F]{1,8}) /m.exec(text) ?? [];
	const [, startTimeline] = /^START TIMELINE: (\d{1,10})$/m.exec(text) ?? [];
	const [, lsn] = /^INCREMENTAL FROM LSN: ([0-9A-F]{1,8}\/[0-9A-F]{1,8})$/m.exec(text) ?? [];
	const [, timeline] = /^INCREMENTAL FROM TLI: (\d{1,10})$/m.exec(text) ?? [];
	if (startLsn === undefined || startTimeline === undefined || (lsn === undefined) !== (timeline === undefined)) {
		throw new BackupError('ARTIFACT_DAMAGED', `The backup_label of ${backup} is not one of PostgreSQL 13 to 18.`, 'Do not restore from this backup. Use another one.');
	}
	return { startLsn, startTimeline: Number(startTimeline), from: lsn === undefined ? null : { lsn, timeline: Number(timeline) } };
}

/** The label of the whole backup that comes out of a chain, as `pg_combinebackup` writes it. */
export function combinedLabel(text: string): string {
	return text.replace(INCREMENTAL_LINE, '');
}
