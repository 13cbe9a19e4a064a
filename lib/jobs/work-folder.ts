import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'backup-recovery-job-';
const OWNER_FILE = 'owner.pid';

/** The folder under which work folders are made: `BACKUP_RECOVERY_TEMP`, or the system's. */
export function workParent(environment: NodeJS.ProcessEnv): string {
	return environment.BACKUP_RECOVERY_TEMP || tmpdir();
}

/** Makes a private folder (mode 0700, as mkdtemp does) that names the process to which it belongs. */
export async function makeWorkFolder(parent: string, ownerPid: number): Promise<string> {
	const folder = await mkdtemp(join(parent, PREFIX));
	await writeFile(join(folder, OWNER_FILE), String(ownerPid), { mode: 0o600 });
	return folder;
}

/** Removes a work folder with all that is in it. */
export async function removeWorkFolder(folder: string): Promise<void> {
	await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Removes the work folders of processes that no longer exist: what a killed n8n or a power cut left behind.
 * A folder that cannot be read belongs to somebody else and stays.
 * @returns the folders removed
 */
export async function removeOrphanedWorkFolders(parent: string, isAlive: (pid: number) => boolean): Promise<string[]> {
	const removed: string[] = [];
	for (const name of await readdir(parent)) {
		if (!name.startsWith(PREFIX)) continue;
		const folder = join(parent, name);
		const owner = await readOwner(folder);
		if (owner === undefined || isAlive(owner)) continue;
		await removeWorkFolder(folder);
		removed.push(folder);
	}
	return removed;
}

async function readOwner(folder: string): Promise<number | undefined> {
	try {
		const pid = Number(await readFile(join(folder, OWNER_FILE), 'utf8'));
		return Number.isInteger(pid) && pid > 0 ? pid : undefined;
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined;
		throw error;
	}
}

/** Whether a process with this id exists, ours or another user's. */
export function processExists(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}
