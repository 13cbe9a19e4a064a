import pg from 'pg';

export interface BaseBackupCommand {
	readonly serverMajor: number;
	/** Stands in backup_label. */
	readonly label: string;
	/** `fast`: the server writes all changed pages at once; `spread`: slowly, which may take minutes before anything is sent. */
	readonly checkpoint: 'fast' | 'spread';
	/** Bytes a second, in kilobytes; null: as fast as it goes. */
	readonly maxRateKilobytes: number | null;
	/** A manifest was uploaded before. PostgreSQL 17 and newer. */
	readonly incremental: boolean;
	/** Level of zstd with which the server is to compress the archives, one frame each; null: not at all. PostgreSQL 15 and newer. */
	readonly zstdLevel: number | null;
}

/**
 * The text of BASE_BACKUP: https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP.
 * The WAL that makes the backup consistent is sent inside; the server does not wait until it has archived it.
 */
export function baseBackupCommand({ serverMajor, label, checkpoint, maxRateKilobytes, incremental, zstdLevel }: BaseBackupCommand): string {
	const name = pg.escapeLiteral(label.replace(/[^\x20-\x7e]/g, '?').replace(/\\/g, '/'));
	if (serverMajor < 15) {
		const options = [`LABEL ${name}`, 'PROGRESS', ...(checkpoint === 'fast' ? ['FAST'] : []), 'WAL', 'NOWAIT', ...(maxRateKilobytes === null ? [] : [`MAX_RATE ${maxRateKilobytes}`]), 'TABLESPACE_MAP', `MANIFEST 'yes'`, `MANIFEST_CHECKSUMS 'SHA256'`];
		return `BASE_BACKUP ${options.join(' ')}`;
	}
	const options = [
		`LABEL ${name}`,
		'PROGRESS true',
		`CHECKPOINT '${checkpoint}'`,
		'WAL true',
		'WAIT false',
		`MANIFEST 'yes'`,
		`MANIFEST_CHECKSUMS 'SHA256'`,
		'TABLESPACE_MAP true',
		`TARGET 'client'`,
		...(maxRateKilobytes === null ? [] : [`MAX_RATE ${maxRateKilobytes}`]),
		...(incremental ? ['INCREMENTAL'] : []),
		...(zstdLevel === null ? [] : [`COMPRESSION 'zstd'`, `COMPRESSION_DETAIL 'level=${zstdLevel}'`]),
	];
	return `BASE_BACKUP (${options.join(', ')})`;
}
