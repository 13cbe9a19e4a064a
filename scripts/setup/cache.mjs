import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is too large for the project's own dependencies, or outlives a clone, is kept here. */
export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'n8n-nodes-backup-recovery');

/**
 * Yields `<parent>/<name>`, filled by `fill(folder)` when it is not there yet. It appears whole or not at all: it is filled
 * under a temporary name and renamed, and of two commands at once one fills it while the other waits.
 */
export async function cached(name, fill, parent = cacheFolder) {
	const folder = join(parent, name);
	if (existsSync(folder)) return folder;
	await mkdir(parent, { recursive: true });
	const release = await takeTurn(join(parent, `${name}.lock`));
	try {
		if (existsSync(folder)) return folder;
		const temporary = await mkdtemp(join(parent, `${name}.new-`));
		try {
			await fill(temporary);
			// mkdtemp makes it private, and servers run as users of their own.
			await chmod(temporary, 0o755);
			await rename(temporary, folder);
		} finally {
			await rm(temporary, { recursive: true, force: true });
		}
		return folder;
	} finally {
		await release();
	}
}

/** Waits until this process holds the lock file; one whose process is gone is taken over. */
async function takeTurn(lockFile) {
	for (let told = false; ; ) {
		try {
			await writeFile(lockFile, String(process.pid), { flag: 'wx' });
			return () => rm(lockFile, { force: true });
		} catch (error) {
			if (error.code !== 'EEXIST') throw error;
		}
		const holder = Number(await readFile(lockFile, 'utf8').catch(() => ''));
		if (holder > 0 && !isRunning(holder)) {
			await rm(lockFile, { force: true });
			continue;
		}
		if (!told) console.log(`Waiting for process ${holder || '(unknown)'}, which is preparing the same thing (${lockFile}).`);
		told = true;
		await sleep(1000);
	}
}

function isRunning(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}
