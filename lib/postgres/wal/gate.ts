/** Stops a source while any of several counts is at its limit; lets it go when all are at half of theirs. */
export class Gate {
	private readonly counts = new Map<string, { value: number; limit: number; closed: boolean }>();
	private stopped = false;

	constructor(private readonly source: { pause(): void; resume(): void }) {}

	add(name: string, amount: number, limit: number): void {
		const count = this.counts.get(name) ?? { value: 0, limit, closed: false };
		this.counts.set(name, count);
		count.value += amount;
		if (count.value >= limit) count.closed = true;
		this.act();
	}

	take(name: string, amount: number): void {
		const count = this.counts.get(name);
		if (!count) return;
		count.value -= amount;
		if (count.value <= count.limit / 2) count.closed = false;
		this.act();
	}

	private act(): void {
		const stop = [...this.counts.values()].some(({ closed }) => closed);
		if (stop === this.stopped) return;
		this.stopped = stop;
		if (stop) this.source.pause();
		else this.source.resume();
	}
}
