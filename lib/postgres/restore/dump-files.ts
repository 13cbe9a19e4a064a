import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readArtifact } from '../../backup/read-artifact';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { untar } from './untar';

/** A stored dump: what to read and where from. */
export interface StoredDump {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly artifact: Artifact;
	readonly format: 'custom' | 'directory';
}

/** @throws BackupError `INVALID_INPUT` for a backup that is not a database dump */
export function storedDump(store: Store, manifest: Manifest): StoredDump {
	const artifact = manifest.artifacts.find((candidate) => candidate.role === 'dump');
	const format = manifest.postgres?.format;
	if (!artifact || (format !== 'custom' && format !== 'directory')) {
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} (${manifest.kind}) holds no dump of a database.`, 'Choose a backup of kind full or partial.');
	}
	return { store, manifest, artifact, format };
}

/** The dump's own bytes, checked; the last ones only come once everything is as it was written. */
export function readDump(dump: StoredDump, context: Pick<JobContext, 'signal' | 'progress' | 'keys'>, step: string): AsyncIterable<Buffer> {
	const total = dump.artifact.storedBytes;
	return readArtifact(dump.store, dump.manifest, dump.artifact, {
		signal: context.signal,
		keys: context.keys,
		onStoredBytes: (done) => context.progress({ step, done, total, unit: 'bytes' }),
	});
}

/** Reads the dump to its end, to check it before anything is done with it. */
export async function checkDump(dump: StoredDump, context: Pick<JobContext, 'signal' | 'progress' | 'keys'>): Promise<void> {
	const chunks = readDump(dump, context, 'Checking the backup');
	for await (const chunk of chunks) void chunk;
}

/** How many bytes of the work folder a restore of this dump needs; 0 where it streams. */
export function temporaryBytes(dump: Pick<StoredDump, 'artifact' | 'format'>, parallelJobs: number): number {
	return dump.format === 'directory' || parallelJobs > 1 ? dump.artifact.sourceBytes : 0;
}

/** Bytes that this process may still write on the disk of `folder`. */
export async function freeBytesOf(folder: string): Promise<number> {
	const { bavail, bsize } = await statfs(folder);
	return bavail * bsize;
}

/**
 * Unpacks the dump into the work folder for `body`, and removes it again.
 * @returns what `body` returns; `path` is a file in custom format or a folder in directory format
 */
export async function withUnpackedDump<T>(dump: StoredDump, context: JobContext, step: string, body: (path: string) => Promise<T>): Promise<T> {
	const path = join(context.workFolder, dump.format === 'custom' ? 'database.dump' : 'database.dir');
	try {
		const source = readDump(dump, context, step);
		// Opened before anything is read: a stream that opens its file by itself may still create it after an error was cleaned up.
		switch (dump.format) {
			case 'custom':
				await pipeline(source, (await open(path, 'wx', 0o600)).createWriteStream());
				break;
			case 'directory':
				await mkdir(path, { mode: 0o700 });
				await untar(source, path, dump.artifact.sourceBytes);
				break;
		}
		return await body(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
		throw new BackupError(
			'NO_SPACE',
			`The temporary folder is full: unpacking ${dump.artifact.name} of backup ${dump.manifest.id} needs ${dump.artifact.sourceBytes} bytes.`,
			'Make room there, set BACKUP_RECOVERY_TEMP to a folder on a larger disk, or restore a dump in custom format with one parallel job, which needs no temporary space.',
			{ cause: error },
		);
	} finally {
		await rm(path, { recursive: true, force: true });
	}
}
