import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `body` with an empty folder that is removed afterwards. */
export async function inScratch<T>(body: (folder: string) => Promise<T>): Promise<T> {
	const folder = mkdtempSync(join(tmpdir(), 'backup-recovery-benchmark-'));
	try {
		return await body(folder);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** The bytes of all files below a folder. */
export function folderBytes(folder: string): number {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
