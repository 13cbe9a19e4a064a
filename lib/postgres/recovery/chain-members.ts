import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Manifest } from '../../catalog/manifest';
import { BackupError } from '../../core/errors';

/** What a manifest says of its base backup. @throws BackupError `INVALID_INPUT` for another kind of backup */
export function basebackupOf(manifest: Manifest): BasebackupDetails {
	if (manifest.basebackup) return manifest.basebackup;
	throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} (${manifest.component}, ${manifest.kind}) is no base backup of a PostgreSQL server.`, 'A recovery to a point in time starts from a base backup. A dump is restored with "Postgres Database".');
}
