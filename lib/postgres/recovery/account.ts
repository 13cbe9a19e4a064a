import { chown, lchown, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../core/errors';

export interface Account {
	readonly name: string;
	readonly uid: number;
	readonly gid: number;
}

/**
 * As whom a server runs: as we do; where we are root, which PostgreSQL refuses, as the user `postgres`.
 * @returns undefined: as we do
 * @throws BackupError `PERMISSION_DENIED` where root has no such user
 */
export async function serverAccount(): Promise<Account | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
	const [name, , uid, gid] = entries.find(([user]) => user === 'postgres') ?? [];
	if (name === undefined || uid === undefined || gid === undefined || Number(uid) === 0) {
		throw new BackupError('PERMISSION_DENIED', 'The job runs as root, as whom PostgreSQL refuses to start, and this machine has no user "postgres".', 'Run the job as another user, or create that user: adduser --system --no-create-home postgres.');
	}
	return { name, uid: Number(uid), gid: Number(gid) };
}

/** Gives a folder and all that is in it to the server's user; follows no link. */
export async function giveTo(folder: string, account: Account | undefined, signal: AbortSignal): Promise<void> {
	if (account === undefined) return;
	signal.throwIfAborted();
	for (const entry of await readdir(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) await giveTo(path, account, signal);
		else await lchown(path, account.uid, account.gid);
	}
	await chown(folder, account.uid, account.gid);
}
