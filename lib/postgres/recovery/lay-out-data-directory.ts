import { readFile } from 'node:fs/promises';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import { readBaseBackup } from '../basebackup/read-base-backup';
import type { ManifestFacts } from '../basebackup/server-manifest';
import { baseDetails } from '../wal/covered-window';
import { combinedLabel, readBackupLabel } from './backup-label';
import { DataFolder, type DataPlaces } from './data-folder';
import { syncTree } from './sync-tree';
import { writeServerManifest } from './write-server-manifest';

export interface LaidOut {
	/** Files and their bytes, without WAL. */
	readonly files: number;
	readonly bytes: number;
}

/**
 * Makes a data directory, ready to be started, from a full base backup and the incremental ones after it: the same files as `pg_combinebackup`
 * makes, without extra space. Every file of every member is compared with the server's manifest on the way; the folder gets a `backup_manifest`
 * of its own, which `pg_verifybackup` accepts. All is flushed to the disk. After an error the folders hold remains that are of no use.
 * @param chain the full one first
 * @throws BackupError `ARTIFACT_DAMAGED`, `CHAIN_INCOMPLETE`, `KEY_*`, `NO_SPACE`, `TARGET_NOT_WRITABLE`, or the store's error
 */
export async function layOutDataDirectory(store: Store, chain: readonly Manifest[], places: DataPlaces, context: JobContext): Promise<LaidOut> {
	try {
		return await layOut(store, chain, places, context);
	} catch (error) {
		throw meaning(error, places.dataFolder);
	}
}

async function layOut(store: Store, chain: readonly Manifest[], places: DataPlaces, context: JobContext): Promise<LaidOut> {
	const folder = new DataFolder(places);
	const total = chain.flatMap(({ artifacts }) => artifacts).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
	let before = 0;
	let facts: ManifestFacts | undefined;
	let start: { lsn: string; timeline: number } | null = null;
	for (const [at, manifest] of chain.entries()) {
		throwIfAborted(context.signal);
		const details = baseDetails(manifest);
		requirePlace(chain, at);
		const onStoredBytes = (done: number) => context.progress({ step: `Unpacking ${manifest.id}`, done: before + done, total, unit: 'bytes' });
		folder.begin(details, at > 0);
		try {
			facts = await readBaseBackup({ store, manifest, details, listener: folder, onStoredBytes }, context);
		} finally {
			await folder.close();
		}
		folder.end();
		start = await checkLabel(folder, manifest, start);
		before += manifest.artifacts.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
	}
	const newest = chain.at(-1);
	if (!newest || !facts) throw new BackupError('INTERNAL', 'There is no backup to lay out.', 'Report this.');
	if (chain.length > 1) folder.replace('backup_label', combinedLabel(await readFile(folder.place('backup_label'), 'utf8')));
	await writeServerManifest(folder, facts, baseDetails(newest).endedAt, context);
	folder.link();
	context.progress({ step: 'Flushing to the disk' });
	await syncTree(places.dataFolder, context.signal);
	for (const { oid } of baseDetails(newest).tablespaces) await syncTree(places.tablespaceFolder(oid), context.signal);
	const listed = [...folder.files].filter(([path]) => !path.startsWith('pg_wal/'));
	return { files: listed.length, bytes: listed.reduce((sum, [, { bytes }]) => sum + bytes, 0) };
}

/** Each member must be of the same server as the one before it, and build on just that one. */
function requirePlace(chain: readonly Manifest[], at: number): void {
	const manifest = chain[at];
	const parent = chain[at - 1];
	if (!manifest) return;
	const wrong = (what: string) => new BackupError('CHAIN_INCOMPLETE', `Backup ${manifest.id} ${what}.`, 'Use another backup whose chain is whole, and take a new full base backup.');
	if (!parent) {
		if (manifest.kind !== 'base' || manifest.parent !== null) throw wrong('is not a full base backup, with which a chain begins');
		return;
	}
	if (manifest.kind !== 'incremental' || manifest.parent !== parent.id) throw wrong(`does not build on ${parent.id}`);
	if (baseDetails(manifest).systemIdentifier !== baseDetails(parent).systemIdentifier) throw wrong(`is one of another server than ${parent.id}`);
	if (baseDetails(manifest).blockBytes !== baseDetails(parent).blockBytes) throw wrong(`has blocks of another size than ${parent.id}`);
}

/** Compares what the server itself wrote into the backup with its place in the chain. @returns where the backup starts */
async function checkLabel(folder: DataFolder, { id }: Manifest, start: { lsn: string; timeline: number } | null): Promise<{ lsn: string; timeline: number }> {
	if (!folder.files.has('backup_label')) throw new BackupError('ARTIFACT_DAMAGED', `Backup ${id} has no backup_label, without which a server starts with wrong contents.`, 'Do not restore from this backup. Use another one.');
	const { startLsn, startTimeline, from } = readBackupLabel(await readFile(folder.place('backup_label'), 'utf8'), id);
	if (from?.lsn !== start?.lsn || from?.timeline !== start?.timeline) {
		const shown = (place: { lsn: string; timeline: number } | null) => (place === null ? 'none' : `the one that began at ${place.lsn} on timeline ${place.timeline}`);
		throw new BackupError('CHAIN_INCOMPLETE', `Backup ${id} builds on another backup than the one before it: on ${shown(from)}, not on ${shown(start)}.`, 'Use another backup whose chain is whole, and take a new full base backup.');
	}
	return { lsn: startLsn, timeline: startTimeline };
}

function meaning(error: unknown, folder: string): unknown {
	switch ((error as NodeJS.ErrnoException).code) {
		case 'ENOSPC':
		case 'EDQUOT':
			return new BackupError('NO_SPACE', `The disk of ${folder} is full.`, 'Choose a folder with more room.', { cause: error });
		case 'EACCES':
		case 'EPERM':
		case 'EROFS':
			return new BackupError('TARGET_NOT_WRITABLE', `The base backup cannot be laid out in ${folder}: permission denied.`, 'Choose a folder that the job may write.', { cause: error });
		case 'EEXIST':
		case 'ENOTDIR':
		case 'ENOTEMPTY':
		case 'EISDIR':
		case 'ELOOP':
		case 'ENOENT':
			return new BackupError('ARTIFACT_DAMAGED', `The archives of the base backup contradict each other, or the folder ${folder} was not empty: ${(error as Error).message}.`, 'Choose an empty folder; if it was empty, do not restore from this backup.', { cause: error });
		default:
			return error;
	}
}
