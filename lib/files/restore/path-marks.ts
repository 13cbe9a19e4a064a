import { type BytePath, comparePaths } from '../byte-path';
import { PackedWriter, unpack } from '../index-spool';

/** `kept`: left as it is by the policy; `same`: equal already. */
export type Mark = 'kept' | 'same';

const LETTERS = { kept: 'k', same: 's' } as const;

/** What was decided about the files that are there already, in the order of the index; in a file, because there may be a million. */
export class MarkWriter {
	private readonly writer: PackedWriter;

	constructor(readonly file: string) {
		this.writer = new PackedWriter(file, 'latin1');
	}

	async add(path: BytePath, mark: Mark): Promise<void> {
		await this.writer.add(`${LETTERS[mark]}${path}\0`);
	}

	async close(): Promise<void> {
		await this.writer.close();
	}

	abandon(): void {
		this.writer.abandon();
	}
}

/** Reads the marks beside a pass over the index. */
export class MarkReader {
	private readonly entries: AsyncGenerator<{ path: BytePath; mark: Mark }, void, void>;
	private current: { path: BytePath; mark: Mark } | undefined;
	private ended = false;

	constructor(file: string) {
		this.entries = readMarks(file);
	}

	/** Paths must come in ascending order. */
	async of(path: BytePath): Promise<Mark | undefined> {
		for (;;) {
			if (this.current === undefined) {
				if (this.ended) return undefined;
				const step = await this.entries.next();
				if (step.done) this.ended = true;
				else this.current = step.value;
				continue;
			}
			const order = comparePaths(this.current.path, path);
			if (order > 0) return undefined;
			if (order === 0) return this.current.mark;
			this.current = undefined;
		}
	}

	async close(): Promise<void> {
		await this.entries.return();
	}
}

async function* readMarks(file: string): AsyncGenerator<{ path: BytePath; mark: Mark }, void, void> {
	let rest = '';
	for await (const chunk of unpack(file)) {
		const parts = (rest + chunk.toString('latin1')).split('\0');
		rest = parts.pop() ?? '';
		for (const part of parts) yield { path: part.slice(1), mark: part.startsWith(LETTERS.kept) ? 'kept' : 'same' };
	}
}
