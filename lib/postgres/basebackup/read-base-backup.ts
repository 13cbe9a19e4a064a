import { readArtifact } from '../../backup/read-artifact';
import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import { ContentCheck } from './check-contents';
import type { ManifestFacts } from './server-manifest';
import type { ServerTarListener } from './server-tar';

export interface ReadOptions {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly details: BasebackupDetails;
	/** Hears of everything in the archives; a `ServerTarError` from it refuses the backup. */
	readonly listener?: ServerTarListener;
	/** Stored bytes read so far. */
	readonly onStoredBytes?: (total: number) => void;
}

/**
 * Reads a base backup from its first to its last byte, and compares every file in its archives with the server's manifest: length and SHA-256, none
 * missing, none more, all WAL inside that makes it consistent.
 * @throws BackupError `ARTIFACT_DAMAGED`, `KEY_*`, or the store's error
 */
export async function readBaseBackup({ store, manifest, details, listener, onStoredBytes }: ReadOptions, context: Pick<JobContext, 'signal' | 'keys'>): Promise<ManifestFacts> {
	const { signal, keys } = context;
	const damaged = (what: string, cause?: unknown) =>
		new BackupError('ARTIFACT_DAMAGED', `Backup ${manifest.id} in the store (${store.description}) does not hold a base backup as a server sends it: ${what}.`, 'Do not restore from this backup. Use another one, or another copy of it.', { cause });
	const check = new ContentCheck(damaged);
	let before = 0;
	const read = async function* (artifact: Artifact): AsyncGenerator<Buffer, void, void> {
		yield* readArtifact(store, manifest, artifact, { signal, keys, onStoredBytes: (total) => onStoredBytes?.(before + total) });
		before += artifact.storedBytes;
	};
	const drain = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
		for await (const chunk of bytes) {
			// Writing what is read does not always wait, so this is where a cancelled job is noticed.
			if (chunk.length > 0) throwIfAborted(signal);
			await listener?.room?.();
		}
	};
	await drain(check.archive('base.tar', undefined, read(the(manifest, ({ role }) => role === 'base', 'the archive of the data directory', damaged)), true, listener));
	for (const { oid, artifact: name } of details.tablespaces) {
		const artifact = the(manifest, (candidate) => candidate.role === 'tablespace' && candidate.name === name, `the archive of the tablespace ${oid}`, damaged);
		await drain(check.archive(`${oid}.tar`, oid, read(artifact), true, listener));
	}
	await drain(check.manifest(read(the(manifest, ({ role }) => role === 'backup-manifest', "the server's manifest", damaged))));
	const facts = check.finish(details);
	if (facts.systemIdentifier !== undefined && facts.systemIdentifier !== details.systemIdentifier) throw damaged(`the server's manifest is that of the server ${facts.systemIdentifier} instead of ${details.systemIdentifier}`);
	return facts;
}

function the({ artifacts }: Manifest, is: (artifact: Artifact) => boolean, what: string, damaged: (what: string) => BackupError): Artifact {
	const [found, ...more] = artifacts.filter(is);
	if (!found || more.length > 0) throw damaged(`${what} is in it ${found ? 'more than once' : 'not at all'}`);
	return found;
}
