import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSurelyDead, type LockOwner, lockOwnerSchema, ownIdentity } from '../catalog/lock-owner';

const PREFIX = 'backup-recovery-job-';
const OWNER_FILE = 'owner.json';

/** How often an owner shows that it is alive, for those who cannot see its process: in another container, on another machine. */
export const SIGN_OF_LIFE_MS = 60_000;
/** After so long without one an owner out of sight counts as dead. Clocks of machines that share a folder may differ by less than this. */
const DEAD_AFTER_MS = 60 * SIGN_OF_LIFE_MS;

/** The folder under which work folders are made: `BACKUP_RECOVERY_TEMP`, or the system's. */
export function workParent(environment: NodeJS.ProcessEnv): string {
	return environment.BACKUP_RECOVERY_TEMP || tmpdir();
}

/** Makes a private folder (mode 0700, as mkdtemp does) that names the process to which it belongs, which is the caller's. */
export async function makeWorkFolder(parent: string): Promise<string> {
	const folder = await mkdtemp(join(parent, PREFIX));
	await writeFile(join(folder, OWNER_FILE), JSON.stringify(ownIdentity()), { mode: 0o600 });
	return folder;
}

/** One sign of life of a work folder's owner. */
export async function showLife(folder: string): Promise<void> {
	const now = new Date();
	await utimes(join(folder, OWNER_FILE), now, now);
}

/** Removes a work folder with all that is in it. */
export async function removeWorkFolder(folder: string): Promise<void> {
	await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Removes the work folders of processes that no longer exist: what a killed n8n or a power cut left behind. Workers in containers may
 * share the parent, each with process ids of its own: a process that cannot be seen from here is gone when it has shown no life for an hour.
 * A folder that cannot be read belongs to somebody else and stays.
 * @returns the folders removed
 */
export async function removeOrphanedWorkFolders(parent: string): Promise<string[]> {
	const removed: string[] = [];
	for (const name of await readdir(parent)) {
		if (!name.startsWith(PREFIX)) continue;
		const folder = join(parent, name);
		const found = await readOwner(folder);
		if (found === undefined || !isGone(found)) continue;
		await removeWorkFolder(folder);
		removed.push(folder);
	}
	return removed;
}

interface FoundOwner {
	readonly owner: LockOwner;
	readonly lastSeen: Date;
}

function isGone({ owner, lastSeen }: FoundOwner): boolean {
	const me = ownIdentity();
	const inSight = owner.bootId !== '' && owner.bootId === me.bootId && owner.pidNamespace !== '' && owner.pidNamespace === me.pidNamespace;
	return inSight ? isSurelyDead(owner, me) : Date.now() - lastSeen.getTime() > DEAD_AFTER_MS;
}

async function readOwner(folder: string): Promise<FoundOwner | undefined> {
	const file = join(folder, OWNER_FILE);
	try {
		const owner = lockOwnerSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
		return owner.success ? { owner: owner.data, lastSeen: (await stat(file)).mtime } : undefined;
	} catch (error) {
		// Still being written.
		if (error instanceof SyntaxError) return undefined;
		const code = (error as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined;
		throw error;
	}
}
