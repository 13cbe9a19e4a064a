/** Whoever reads the archive lists it first, and may read what it found for a while: what a listing has named stays for so long. */
export const PIECE_GRACE_MS = 3_600_000;

/** Pieces of which something larger is archived, until they may go. */
export class SupersededPieces {
	private readonly waiting: { readonly name: string; readonly since: number }[] = [];

	/** @param remove takes one out of the archive */
	constructor(private readonly remove: (name: string) => Promise<void>) {}

	add(names: Iterable<string>): void {
		const since = performance.now();
		for (const name of names) this.waiting.push({ name, since });
	}

	/** Removes those whose time has come. */
	async removeOld(): Promise<void> {
		for (let [first] = this.waiting; first && performance.now() - first.since >= PIECE_GRACE_MS; [first] = this.waiting) {
			this.waiting.shift();
			await this.remove(first.name);
		}
	}
}
