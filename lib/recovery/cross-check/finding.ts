import { type FileHandle, open, rename } from 'node:fs/promises';

/** One kind of difference: how many there are, and the first of them. */
export interface FindingSummary {
	readonly count: number;
	/** In alphabetical order, at most as many as asked for. */
	readonly first: string[];
	/** Where the whole list is: one JSON string a line. null: nobody asked for it. */
	readonly list: string | null;
}

/** Gathers one kind of difference: counts all, keeps the first few, and writes all of them to a file where asked to. */
export class Finding {
	private count = 0;
	/** Sorted. */
	private readonly first: string[] = [];
	private file: FileHandle | undefined;
	private waiting = '';

	/** @param list absolute path of a file that is not there yet, or null */
	constructor(
		private readonly limit: number,
		private readonly list: string | null,
	) {}

	async add(entry: string): Promise<void> {
		this.count++;
		this.keep(entry);
		if (this.list === null) return;
		this.waiting += `${JSON.stringify(entry)}\n`;
		if (this.waiting.length >= 64 * 1024) await this.flush();
	}

	/** Completes the list: only now does it have its name. */
	async finish(): Promise<FindingSummary> {
		if (this.list !== null) {
			await this.flush();
			await this.close();
			await rename(`${this.list}.partial`, this.list);
		}
		return { count: this.count, first: [...this.first], list: this.list };
	}

	async close(): Promise<void> {
		const { file } = this;
		this.file = undefined;
		await file?.close();
	}

	private keep(entry: string): void {
		const last = this.first.at(-1);
		if (this.first.length >= this.limit && (last === undefined || entry >= last)) return;
		let low = 0;
		for (let high = this.first.length; low < high; ) {
			const middle = (low + high) >>> 1;
			if ((this.first[middle] ?? '') < entry) low = middle + 1;
			else high = middle;
		}
		this.first.splice(low, 0, entry);
		if (this.first.length > this.limit) this.first.pop();
	}

	private async flush(): Promise<void> {
		this.file ??= await open(`${this.list ?? ''}.partial`, 'wx', 0o600);
		await this.file.write(this.waiting);
		this.waiting = '';
	}
}
