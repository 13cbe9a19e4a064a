import type { BigIntStats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { type BytePath, fsPath } from './byte-path';
import type { Candidate } from './candidates';
import { decimalSeconds } from './file-time';
import type { FileEntry, IndexEntry } from './index-entry';
import { digestFile, type FileSource, readWhole, SMALL_FILE, type WholeFile } from './read-file';
import { type Found, notTaken, type NotTaken } from './walk';

/** A candidate with all that can be found out ahead of its turn. */
export type Prepared =
	| { readonly kind: 'leftOut'; readonly entry: NotTaken }
	| { readonly kind: 'directory'; readonly found: Found }
	| { readonly kind: 'symlink'; readonly found: Found; readonly target: BytePath }
	| { readonly kind: 'link'; readonly found: Found }
	/** Its content is that of an earlier backup. */
	| { readonly kind: 'kept'; readonly found: Found; readonly before: FileEntry }
	| { readonly kind: 'whole'; readonly found: Found; readonly file: WholeFile }
	/** To be streamed when its turn comes. */
	| { readonly kind: 'large'; readonly found: Found };

export interface PrepareOptions {
	readonly folder: BytePath;
	readonly source: FileSource;
	/** Do not trust size, times and inode: compare the contents of all files. */
	readonly compareContent: boolean;
	readonly retries: number;
	readonly signal: AbortSignal;
}

/** Finds out what is to be done with a candidate; reads small files, and those that may or may not have changed. */
export async function prepare(candidate: Candidate, options: PrepareOptions): Promise<Prepared> {
	const { found } = candidate;
	if (found.type === 'leftOut') return { kind: 'leftOut', entry: found };
	try {
		switch (found.type) {
			case 'directory':
				return { kind: 'directory', found };
			case 'symlink':
				return { kind: 'symlink', found, target: await readlink(fsPath(options.folder, found.path), { encoding: 'latin1' }) };
			case 'file':
				return candidate.isLink ? { kind: 'link', found } : await prepareFile(found, candidate.before, options);
		}
	} catch (error) {
		// What is not a link any more was replaced since it was looked at.
		if (found.type === 'symlink' && (error as NodeJS.ErrnoException).code === 'EINVAL') return { kind: 'leftOut', entry: { path: found.path, type: 'leftOut', reason: 'vanished' } };
		return { kind: 'leftOut', entry: notTaken(found.path, error) };
	}
}

async function prepareFile(found: Found, parent: IndexEntry | undefined, options: PrepareOptions): Promise<Prepared> {
	const before = parent?.type === 'file' ? parent : undefined;
	if (before && !options.compareContent && looksUnchanged(before, found.stats)) return { kind: 'kept', found, before };
	const { folder, source, retries, signal } = options;
	if (found.stats.size <= BigInt(SMALL_FILE)) {
		const file = await readWhole(source, folder, found.path, retries, signal);
		if (!file) return { kind: 'large', found };
		if (before && !file.inconsistent && before.size === file.content.length && before.sha256 === file.sha256) {
			return { kind: 'kept', found: { ...found, stats: file.stats }, before };
		}
		return { kind: 'whole', found, file };
	}
	// Only the times or the inode differ: a look at the content may save storing it again.
	if (before && BigInt(before.size) === found.stats.size) {
		const digest = await digestFile(source, folder, found.path, signal);
		if (digest?.sha256 === before.sha256) return { kind: 'kept', found: { ...found, stats: digest.stats }, before };
	}
	return { kind: 'large', found };
}

/**
 * Size, both times and the inode are those of the parent, and the parent could know: ctime cannot be set back by a program, but a change within the
 * same tick of the clock leaves it as it is.
 */
function looksUnchanged(before: FileEntry, stats: BigIntStats): boolean {
	return (
		before.recent !== true &&
		before.inconsistent !== true &&
		BigInt(before.size) === stats.size &&
		before.ino === stats.ino.toString() &&
		before.mtime === decimalSeconds(stats.mtimeNs) &&
		before.ctime === decimalSeconds(stats.ctimeNs)
	);
}
