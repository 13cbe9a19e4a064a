import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** One file as it was found. `sha256` null: it could not be read. */
export interface EvidenceFile {
	readonly path: string;
	readonly bytes: number;
	readonly modifiedAt: string;
	/** When its inode last changed, which an attacker cannot set by ordinary means. */
	readonly changedAt: string;
	readonly mode: string;
	readonly owner: number;
	readonly sha256: string | null;
}

/**
 * All regular files below a folder with their hashes, links not followed. What cannot be read is named in `warnings`: after an attack
 * something always is. Reading may move access times unless the disk is mounted with `noatime` or read-only.
 */
export async function* listEvidence(folder: string, warnings: string[], signal: AbortSignal): AsyncGenerator<EvidenceFile, void, void> {
	const waiting = [folder];
	for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
		try {
			for await (const entry of await opendir(place)) {
				signal.throwIfAborted();
				const path = join(place, entry.name);
				if (entry.isDirectory()) waiting.push(path);
				else if (entry.isFile()) yield await describe(path, warnings, signal);
			}
		} catch (error) {
			signal.throwIfAborted();
			warnings.push(`${place}: ${(error as Error).message}`);
		}
	}
}

async function describe(path: string, warnings: string[], signal: AbortSignal): Promise<EvidenceFile> {
	const { size, mtime, ctime, mode, uid } = await lstat(path);
	const known = { path, bytes: size, modifiedAt: mtime.toISOString(), changedAt: ctime.toISOString(), mode: (mode & 0o7777).toString(8).padStart(4, '0'), owner: uid };
	const hash = createHash('sha256');
	try {
		for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer);
		return { ...known, sha256: hash.digest('hex') };
	} catch (error) {
		signal.throwIfAborted();
		warnings.push(`${path}: ${(error as Error).message}`);
		return { ...known, sha256: null };
	}
}
