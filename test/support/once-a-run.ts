import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Names the folder that the test files of one run share; jest's global set-up makes it and its tear-down removes it. */
export const SHARED_FOLDER = 'BACKUP_RECOVERY_TEST_SHARED';

/**
 * Yields `<shared folder>/<name>`, filled by the first test file of a run that asks for it, while others wait. It appears whole or not at all.
 * @returns undefined where nothing is shared: outside jest, as in the demo and the benchmarks
 */
export async function onceARun(name: string, fill: (folder: string) => Promise<void>): Promise<string | undefined> {
	const shared = process.env[SHARED_FOLDER];
	if (shared === undefined) return undefined;
	const folder = join(shared, name);
	while (!existsSync(folder)) {
		if (!(await takeTurn(`${folder}.turn`))) {
			await sleep(50);
			continue;
		}
		try {
			if (existsSync(folder)) break;
			const temporary = await mkdtemp(`${folder}.new-`);
			await fill(temporary);
			await rename(temporary, folder);
		} finally {
			await rm(`${folder}.turn`, { recursive: true });
		}
	}
	return folder;
}

async function takeTurn(path: string): Promise<boolean> {
	try {
		await mkdir(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	}
}
