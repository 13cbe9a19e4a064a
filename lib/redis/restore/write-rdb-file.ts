import { lstat, open, rename, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { damagedArtifact } from '../damaged';
import type { RdbReport } from '../rdb/rdb-report';
import { RdbWalker } from '../rdb/walk-rdb';
import { readRdb, type StoredRdb } from './stored-rdb';
import { syncFolder } from '../../storage/folder-paths';

/** The name of a backup's RDB outside the store: without what storing it added. */
export function rdbFileName(artifact: string): string {
	return artifact.replace(/\.rdb\..*$/, '.rdb');
}

/** @throws BackupError where the folder cannot take the files; one that exists is never overwritten */
export async function requireRoom(folder: string, rdbs: readonly StoredRdb[]): Promise<void> {
	if (!isAbsolute(folder)) throw new BackupError('INVALID_INPUT', `${folder} is not an absolute path.`, 'Start it with a slash.');
	const found = await lstat(folder).catch((error: unknown) => {
		throw new BackupError('PATH_REFUSED', `The folder ${folder} cannot be used (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Create it first, and let the user that this runs as write there.', { cause: error });
	});
	if (!found.isDirectory()) throw new BackupError('PATH_REFUSED', `${folder} is not a folder.`, 'Name a folder; a link to one is not followed.');
	for (const { artifact } of rdbs) {
		const path = join(folder, rdbFileName(artifact.name));
		if (await exists(path)) throw new BackupError('PATH_REFUSED', `${path} exists already, and is not overwritten.`, 'Move it away, or choose another folder. Never write into the folder of a running server: it overwrites its dump.rdb when it stops.');
	}
}

/** Writes an RDB beside its final name, checks it on the way, and renames it once it is sound and on the disk. */
export async function writeRdbFile(rdb: StoredRdb, folder: string, context: JobContext): Promise<{ readonly path: string; readonly report: RdbReport }> {
	const path = join(folder, rdbFileName(rdb.artifact.name));
	const temporary = join(folder, `.${rdbFileName(rdb.artifact.name)}.${context.randomBytes(6).toString('hex')}.partial`);
	const file = await open(temporary, 'wx', 0o600);
	try {
		const walker = new RdbWalker();
		try {
			for await (const chunk of readRdb(rdb, context, `Writing ${path}`)) {
				walker.push(chunk);
				await file.writeFile(chunk);
			}
			const report = walker.finish();
			await file.sync();
			await file.close();
			if (await exists(path)) throw new BackupError('PATH_REFUSED', `${path} was created meanwhile, and is not overwritten.`, 'Choose another folder.');
			await rename(temporary, path);
			await syncFolder(folder);
			return { path, report };
		} catch (error) {
			throw damagedArtifact(writeError(error, path), rdb.artifact.name, rdb.manifest.id);
		}
	} catch (error) {
		await file.close().catch(() => undefined);
		await rm(temporary, { force: true });
		throw error;
	}
}

async function exists(path: string): Promise<boolean> {
	try {
		await lstat(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
}

function writeError(error: unknown, path: string): unknown {
	const { code } = error as NodeJS.ErrnoException;
	if (code === 'ENOSPC' || code === 'EDQUOT') return new BackupError('NO_SPACE', `The disk is full while writing ${path}.`, 'Make room, then restore again. The part that was written is removed.', { cause: error });
	if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return new BackupError('PATH_REFUSED', `${path} cannot be written (${code}).`, 'Let the user that this runs as write there.', { cause: error });
	return error;
}

/** What a person does with the files, in order. */
export function fileSteps(files: readonly string[], flavor: 'redis' | 'valkey', slots: readonly string[]): string[] {
	const server = flavor === 'valkey' ? 'valkey' : 'redis';
	return [
		...files.map((file, at) => `${file}${slots[at] ? ` belongs to the master of the slots ${slots[at]}` : ''}: check it with "${server}-check-rdb ${file}".`),
		'On the server, ask for its folder and file name: CONFIG GET dir, CONFIG GET dbfilename, CONFIG GET appendonly.',
		`Stop the server (SHUTDOWN NOSAVE, or systemctl stop ${server}-server): one that runs overwrites the file when it stops.`,
		'Rename the old file in that folder, and the folder "appendonlydir" (before 7.0: the file appendonly.aof), so that nothing is lost.',
		`Copy the new file there under the old name, and give it to the server's user (chown ${server}:${server}, chmod 640).`,
		'Where appendonly was "yes": set it to "no" in the configuration file for this start. With "yes" the server reads its append-only file, or begins an empty one, and IGNORES the RDB.',
		'Start the server and compare INFO keyspace with the numbers of this result.',
		'Where appendonly was "yes": CONFIG SET appendonly yes, wait until INFO persistence shows aof_rewrite_in_progress:0 and aof_last_bgrewrite_status:ok, then set it to "yes" in the configuration file again.',
	];
}
