import type { Manifest } from '../../catalog/manifest';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { takeProof } from '../proof';
import { compareProof, type ProofComparison } from './compare-proof';
import { APPLICATION_NAME } from './maintenance';

const MOST_LISTED_DIFFERENCES = 20;

/** Compares a restored database, to which nobody writes, with the proof in the manifest. Rows always; contents where they were recorded. */
export async function proveDatabase(
	connection: PostgresConnection,
	database: string,
	manifest: Manifest,
	serverMajor: number,
	context: Pick<JobContext, 'signal' | 'progress'>,
): Promise<ProofComparison> {
	const expected = manifest.postgres?.proof;
	if (!expected) {
		return { equal: true, tables: [], differences: [], warnings: [`Backup ${manifest.id} holds no proof: its contents could not be compared.`] };
	}
	const options = { database, signal: context.signal, applicationName: APPLICATION_NAME, doing: 'comparing it with the backup' };
	const actual = await withClient(connection, options, async (client) => {
		return await takeProof(client, {
			tables: expected.scope === 'exact' ? undefined : expected.tables.map(({ schema, name }) => ({ schema, name })),
			fingerprint: expected.tables.some((table) => table.fingerprint !== undefined) || expected.largeObjects?.fingerprint !== undefined,
			largeObjects: expected.largeObjects !== undefined,
			signal: context.signal,
			progress: context.progress,
		});
	});
	return compareProof(expected, actual, serverMajor === sourceOf(manifest, 'postgres').serverMajor);
}

/** @throws BackupError `PROOF_MISMATCH` listing what differs */
export function throwIfDifferent(comparison: ProofComparison, manifest: Manifest, database: string): void {
	if (comparison.equal) return;
	const listed = comparison.differences.slice(0, MOST_LISTED_DIFFERENCES);
	if (comparison.differences.length > listed.length) listed.push(`and ${comparison.differences.length - listed.length} more`);
	throw new BackupError(
		'PROOF_MISMATCH',
		`"${database}", restored from backup ${manifest.id}, is not what was backed up: ${listed.join('; ')}.`,
		'No live database was changed. Restore another backup; verify this one, to learn whether the backup itself is at fault.',
	);
}

/** "12 tables, 3,400 rows, contents compared". */
export function describeComparison(comparison: ProofComparison): string {
	if (comparison.tables.length === 0) return 'There were no tables to compare.';
	const rows = comparison.tables.reduce((sum, table) => sum + (table.actualRows ?? 0), 0);
	const contents = comparison.tables.filter((table) => table.contentEqual).length;
	const equal = comparison.tables.filter((table) => table.equal).length;
	return `${equal} of ${comparison.tables.length} tables are equal to the proof: ${rows} rows${contents > 0 ? `, contents of ${contents} tables by fingerprint` : ', counted'}.`;
}
