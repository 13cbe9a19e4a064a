import { readArtifact } from '../../backup/read-artifact';
import type { Artifact, Manifest } from '../../catalog/manifest';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { damagedArtifact } from '../damaged';
import { type RdbReport, totalKeys } from '../rdb/rdb-report';
import { RdbWalker } from '../rdb/walk-rdb';

/** One RDB of a backup, in the store. */
export interface StoredRdb {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly artifact: Artifact;
}

type ReadContext = Pick<JobContext, 'signal' | 'progress' | 'keys'>;

/** The RDBs of a backup: one, or one for each master of a cluster. */
export function storedRdbs(store: Store, manifest: Manifest): StoredRdb[] {
	sourceOf(manifest, 'redis');
	const found = manifest.artifacts.filter(({ role }) => role === 'rdb').map((artifact) => ({ store, manifest, artifact }));
	if (found.length > 0) return found;
	throw new BackupError('MANIFEST_INVALID', `Backup ${manifest.id} names no RDB.`, 'It was not made by this package, or was changed. Use another backup.');
}

/** The bytes of an RDB, compared with the manifest as they go. */
export function readRdb({ store, manifest, artifact }: StoredRdb, context: ReadContext, step: string): AsyncGenerator<Buffer, void, void> {
	return readArtifact(store, manifest, artifact, {
		signal: context.signal,
		keys: context.keys,
		onStoredBytes: (done) => context.progress({ step, done, total: artifact.storedBytes, unit: 'bytes' }),
	});
}

/**
 * Reads all of an RDB: SHA-256, CRC-64, every opcode and value, and the counts that the manifest recorded.
 * @param expiredBy see `RdbWalker`
 * @throws BackupError `ARTIFACT_DAMAGED`
 */
export async function checkRdb(rdb: StoredRdb, context: ReadContext, expiredBy?: number): Promise<RdbReport> {
	const { artifact, manifest } = rdb;
	const walker = new RdbWalker(undefined, expiredBy);
	let report: RdbReport;
	try {
		for await (const chunk of readRdb(rdb, context, `Checking ${artifact.name}`)) walker.push(chunk);
		report = walker.finish();
	} catch (error) {
		throw damagedArtifact(error, artifact.name, manifest.id);
	}
	const recorded = manifest.redis?.snapshots?.find((snapshot) => snapshot.artifact === artifact.name);
	if (recorded && totalKeys(recorded.databases) !== totalKeys(report.databases)) {
		throw new BackupError(
			'ARTIFACT_DAMAGED',
			`${artifact.name} of backup ${manifest.id} holds ${totalKeys(report.databases)} keys instead of the ${totalKeys(recorded.databases)} of its manifest.`,
			'Do not restore from it. Use another backup, or another copy of this one.',
		);
	}
	return report;
}
