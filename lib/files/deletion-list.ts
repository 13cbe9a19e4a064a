import { type BytePath, isBelow } from './byte-path';
import type { Candidate } from './candidates';
import type { IndexEntry } from './index-entry';
import { PackedWriter } from './index-spool';

/**
 * What must be removed from the restored parent before an incremental archive is unpacked over it with stock tools: paths below `./`, each
 * ended by a NUL, for `xargs -0 rm -rf --`. Of a removed folder only the folder itself is listed. Our own restore does not need it: it
 * goes by the index, which lists what is there.
 */
export class DeletionList {
	/** Entries of the parent that are not in the folder any more. */
	count = 0;
	private readonly writer: PackedWriter;
	private last: BytePath | undefined;

	constructor(file: string) {
		this.writer = new PackedWriter(file, 'latin1');
	}

	async gone({ path }: Pick<IndexEntry, 'path'>): Promise<void> {
		this.count += 1;
		await this.list(path);
	}

	/** Passes the candidates on and lists those that became something else: an archive cannot be unpacked over a thing of another type. */
	async *watch(candidates: AsyncIterable<Candidate>): AsyncGenerator<Candidate, void, void> {
		for await (const candidate of candidates) {
			const { found, before } = candidate;
			if (before && found.type !== 'leftOut' && typeOf(before.type) !== found.type) await this.list(found.path);
			yield candidate;
		}
	}

	async close(): Promise<void> {
		await this.writer.close();
	}

	abandon(): void {
		this.writer.abandon();
	}

	private async list(path: BytePath): Promise<void> {
		if (this.last !== undefined && (path === this.last || isBelow(path, this.last))) return;
		this.last = path;
		await this.writer.add(`./${path}\0`);
	}
}

function typeOf(type: IndexEntry['type']): Candidate['found']['type'] {
	return type === 'hardlink' ? 'file' : type;
}
