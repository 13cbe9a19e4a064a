import type { BytePath } from './byte-path';
import { comparePaths } from './byte-path';
import type { IndexEntry, LeftOut } from './index-entry';
import type { Found, NotTaken } from './walk';

/** One thing of the folder beside what the parent backup says of the same path. */
export interface Candidate {
	readonly found: Found | NotTaken;
	readonly before: IndexEntry | undefined;
	/** A further name of a file that came earlier. */
	readonly isLink: boolean;
}

/** What the parent holds, one entry after the other in the order of the walk. */
export class ParentCursor {
	private readonly entries: AsyncIterator<IndexEntry | LeftOut>;
	private current: IndexEntry | undefined;
	private ended = false;

	/** @param onGone told of every entry that is not in the folder any more */
	constructor(
		entries: AsyncIterable<IndexEntry | LeftOut>,
		private readonly onGone: (entry: IndexEntry) => Promise<void>,
	) {
		this.entries = entries[Symbol.asyncIterator]();
	}

	/** The parent's entry of `path`. Paths must come in ascending order; the same one may be asked for twice. */
	async at(path: BytePath): Promise<IndexEntry | undefined> {
		for (;;) {
			const entry = await this.peek();
			if (entry === undefined) return undefined;
			const order = comparePaths(entry.path, path);
			if (order === 0) return entry;
			if (order > 0) return undefined;
			await this.pass(entry);
		}
	}

	/** Says that `path` is not (or no longer) what the parent has there. */
	async finish(): Promise<void> {
		for (let entry = await this.peek(); entry !== undefined; entry = await this.peek()) await this.pass(entry);
	}

	async close(): Promise<void> {
		await this.entries.return?.();
	}

	/** Told by the walk that the entry at hand is still there, so that passing it does not count as gone. */
	seen(path: BytePath): void {
		this.lastSeen = path;
	}

	private lastSeen: BytePath | undefined;

	private async pass(entry: IndexEntry): Promise<void> {
		this.current = undefined;
		if (entry.path !== this.lastSeen) await this.onGone(entry);
	}

	private async peek(): Promise<IndexEntry | undefined> {
		while (this.current === undefined && !this.ended) {
			const step = await this.entries.next();
			if (step.done) this.ended = true;
			else if (step.value.type !== 'leftOut') this.current = step.value;
		}
		return this.current;
	}
}

/** Puts the walk beside the parent, and tells the further names of files. */
export async function* candidates(walked: AsyncIterable<Found | NotTaken>, parent: ParentCursor | undefined): AsyncGenerator<Candidate, void, void> {
	const links = new LinkCounter();
	for await (const found of walked) {
		const before = await parent?.at(found.path);
		if (found.type !== 'leftOut' || found.reason !== 'vanished') parent?.seen(found.path);
		yield { found, before, isLink: found.type === 'file' && found.stats.nlink > 1n && links.seenBefore(found) };
	}
	await parent?.finish();
}

/** Knows the files with several names of which some are still to come. */
class LinkCounter {
	private readonly left = new Map<string, bigint>();

	seenBefore(found: Found): boolean {
		const key = linkKey(found);
		const left = this.left.get(key);
		if (left === undefined) {
			this.left.set(key, found.stats.nlink - 1n);
			return false;
		}
		if (left <= 1n) this.left.delete(key);
		else this.left.set(key, left - 1n);
		return true;
	}
}

/** Tells the file itself, whatever its name. */
export function linkKey({ stats }: Found): string {
	return `${stats.dev}:${stats.ino}`;
}
