import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';

/** One file as it was found. */
export interface EvidenceFile {
	/** Bytes that are no UTF-8 show as U+FFFD; `pathBytes` has them then. */
	readonly path: string;
	/** The path in base64, where it is no UTF-8. */
	readonly pathBytes?: string;
	/** null: the file was gone or could not be asked. */
	readonly bytes: number | null;
	readonly modifiedAt: string | null;
	/** When its inode last changed, which an attacker cannot set by ordinary means. */
	readonly changedAt: string | null;
	readonly mode: string | null;
	readonly owner: number | null;
	/** null: it could not be read. */
	readonly sha256: string | null;
}

const SLASH = Buffer.from('/');

/**
 * All regular files below a folder with their hashes, links not followed. What cannot be read is named in `warnings`, and costs itself alone: after an
 * attack something always is. Reading may move access times unless the disk is mounted with `noatime` or read-only.
 */
export async function* listEvidence(folder: string, warnings: string[], signal: AbortSignal): AsyncGenerator<EvidenceFile, void, void> {
	const waiting = [Buffer.from(folder)];
	for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
		for (const entry of await entriesOf(place, warnings, signal)) {
			signal.throwIfAborted();
			// Names are bytes: one that is no UTF-8 could not be opened again by its text.
			const path = Buffer.concat([place, SLASH, entry.name]);
			if (entry.isDirectory()) waiting.push(path);
			else if (entry.isFile()) yield await describe(path, warnings, signal);
		}
	}
}

async function entriesOf(place: Buffer, warnings: string[], signal: AbortSignal): Promise<Array<Dirent<Buffer>>> {
	try {
		return await readdir(place, { withFileTypes: true, encoding: 'buffer' });
	} catch (error) {
		signal.throwIfAborted();
		warnings.push(`${place.toString()}: ${(error as Error).message}`);
		return [];
	}
}

async function describe(path: Buffer, warnings: string[], signal: AbortSignal): Promise<EvidenceFile> {
	const text = path.toString();
	const named = { path: text, ...(!Buffer.from(text).equals(path) && { pathBytes: path.toString('base64') }) };
	let known: EvidenceFile = { ...named, bytes: null, modifiedAt: null, changedAt: null, mode: null, owner: null, sha256: null };
	try {
		const { size, mtime, ctime, mode, uid } = await lstat(path);
		known = { ...known, bytes: size, modifiedAt: mtime.toISOString(), changedAt: ctime.toISOString(), mode: (mode & 0o7777).toString(8).padStart(4, '0'), owner: uid };
		const hash = createHash('sha256');
		for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer);
		return { ...known, sha256: hash.digest('hex') };
	} catch (error) {
		signal.throwIfAborted();
		warnings.push(`${text}: ${(error as Error).message}`);
		return known;
	}
}
