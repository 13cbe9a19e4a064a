import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobContext } from '../../core/context';
import { REQUEST_FILE, STATUS_FILE, STOP_FILE, stopContainer } from './hand-over';
import { stopServerOf } from './own-server';
import { places, readRecoveryRecord, type RecoveryRecord, writeRecoveryRecord } from './recovery-folder';

export interface StopRecoveredOptions {
	/** The recovery folder. */
	readonly folder: string;
	/** Delete what the recovery laid out, too. */
	readonly remove: boolean;
}

export interface StopRecoveredResult {
	readonly folder: string;
	/** Whether a server was running. */
	readonly stopped: boolean;
	readonly removed: boolean;
	readonly recovery: RecoveryRecord;
}

/**
 * Stops the server that a recovery started, here or in the recovery container, and if asked deletes what the recovery laid out; nothing else in the folder.
 * @throws BackupError `FOLDER_NOT_FOUND` for what is no recovery folder; `PERMISSION_DENIED`, `TIMED_OUT`
 */
export async function stopRecovered({ folder, remove }: StopRecoveredOptions, { signal, progress }: Pick<JobContext, 'signal' | 'progress'>): Promise<StopRecoveredResult> {
	const record = await readRecoveryRecord(folder);
	const at = places(folder);
	progress({ step: 'Stopping the recovered server' });
	const here = await stopServerOf(at.data, signal);
	const there = await stopContainer(folder, remove, signal);
	await writeRecoveryRecord(folder, { ...record, state: 'stopped' });
	if (remove) await removeRecovery(folder, record);
	return { folder, stopped: here || there, removed: remove, recovery: record };
}

async function removeRecovery(folder: string, { server }: RecoveryRecord): Promise<void> {
	const at = places(folder);
	// The record goes last: until then the folder is known for what it is.
	const laidOut = [at.data, at.wal, at.tablespaces, join(folder, 'socket'), at.log, join(folder, REQUEST_FILE), join(folder, STATUS_FILE), join(folder, STOP_FILE), at.state];
	for (const path of laidOut) await rm(path, { recursive: true, force: true });
	// The socket's folder lies elsewhere where this one's path is too long for it.
	if (server !== null) await rmdir(server.socketFolder).catch(() => undefined);
	await rmdir(folder).catch((error: unknown) => {
		const { code } = error as NodeJS.ErrnoException;
		if (code !== 'ENOTEMPTY' && code !== 'EBUSY' && code !== 'EACCES' && code !== 'EPERM') throw error;
	});
}
