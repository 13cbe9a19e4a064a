import type { Manifest } from '../catalog/manifest';
import type { N8nDetails } from '../catalog/n8n-manifest';
import { BackupError } from '../core/errors';
import { type Inspection, inspectInstance, requireEqual } from './inspect';
import { sqliteInstance } from './instance-database';
import { withSqlite } from './sqlite-database';

/**
 * Whether a file restored from a backup is a whole SQLite database with the rows that were counted, whose credentials `encryptionKey` opens.
 * @throws BackupError `ARTIFACT_DAMAGED`, `PROOF_MISMATCH`
 */
export async function proveSqlite(file: string, manifest: Manifest, encryptionKey: string, signal: AbortSignal): Promise<Inspection> {
	return await withSqlite(file, { readOnly: true }, async (database) => {
		const problems = database.prepare('PRAGMA integrity_check').all() as Array<{ integrity_check: string }>;
		if (problems[0]?.integrity_check !== 'ok') {
			throw new BackupError('ARTIFACT_DAMAGED', `The database in backup ${manifest.id} is damaged: ${problems[0]?.integrity_check ?? 'no answer'}.`, 'Use another backup, and make a new one now.');
		}
		const inspection = await inspectInstance(sqliteInstance(database, `The database in backup ${manifest.id}`), encryptionKey, signal);
		requireEqual(inspection, requiredDetails(manifest), `The database restored from backup ${manifest.id}`);
		return inspection;
	});
}

/** @throws BackupError `MANIFEST_INVALID` for a manifest without n8n's part */
export function requiredDetails(manifest: Manifest): N8nDetails {
	if (manifest.n8n) return manifest.n8n;
	throw new BackupError('MANIFEST_INVALID', `The manifest of backup ${manifest.id} says nothing of what it holds of n8n.`, 'Use another backup.');
}

/** "12 workflows, 5 credentials (all open with the key), 3 users". */
export function describeInspection({ counts, tablePrefix, credentials }: Inspection): string {
	const of = (table: string) => counts[tablePrefix + table] ?? 0;
	const open = credentials.count - credentials.unreadable.length;
	return `${of('workflow_entity')} workflows, ${credentials.count} credentials (${open === credentials.count ? 'all open' : `${open} open`} with the key), ${of('user')} users, ${Object.keys(counts).length} tables`;
}
