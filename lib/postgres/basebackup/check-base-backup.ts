import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { baseDetails } from '../wal/covered-window';
import { fileToUpdate, IncrementalFileReader } from './incremental-file';
import { readBaseBackup } from './read-base-backup';
import type { ArchivedMember, ServerTarListener } from './server-tar';

export interface BaseBackupReport {
	/** Files and bytes that the server's manifest lists. */
	readonly files: number;
	readonly bytes: number;
	/** Of these, files that bring older ones up to date, and how many blocks they hold. */
	readonly incrementalFiles: number;
	readonly blocks: number;
}

/**
 * Reads a base backup to its end: every file is compared with the server's manifest, and in an incremental one the structure of every incremental
 * file is checked. Needs no program of PostgreSQL.
 * @throws BackupError `ARTIFACT_DAMAGED`, `KEY_*`, or the store's error
 */
export async function checkBaseBackup(store: Store, manifest: Manifest, context: JobContext): Promise<BaseBackupReport> {
	const details = baseDetails(manifest);
	const total = manifest.artifacts.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
	const walker = new StructureWalker(details.blockBytes, manifest.kind === 'incremental');
	const onStoredBytes = (done: number) => context.progress({ step: `Reading ${manifest.id}`, done, total, unit: 'bytes' });
	const { files, bytes } = await readBaseBackup({ store, manifest, details, listener: walker, onStoredBytes }, context);
	return { files, bytes, incrementalFiles: walker.incrementalFiles, blocks: walker.blocks };
}

class StructureWalker implements ServerTarListener {
	incrementalFiles = 0;
	blocks = 0;
	private reader: IncrementalFileReader | undefined;

	constructor(
		private readonly blockBytes: number,
		private readonly incremental: boolean,
	) {}

	member({ path, type, bytes }: ArchivedMember): void {
		this.reader = undefined;
		if (!this.incremental || type !== 'file' || fileToUpdate(path) === undefined) return;
		this.incrementalFiles += 1;
		this.reader = new IncrementalFileReader(path, bytes, this.blockBytes, { begin: (_kept, _bytes, blocks) => (this.blocks += blocks), write: () => undefined });
	}

	content(bytes: Uint8Array): void {
		this.reader?.push(bytes);
	}

	file(): void {
		this.reader?.end();
		this.reader = undefined;
	}
}
