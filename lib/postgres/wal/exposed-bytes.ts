import type { WalTimes } from '../../catalog/wal-manifest';

/** Measures for how long what was received had been nowhere but on the server. All times are those of `performance.now()`. */
export class ExposedBytes {
	/** When the oldest byte came that is not durable yet. */
	private since: number | undefined;
	/** When, by our clock, the oldest transaction was committed that no mark holds yet. */
	private committed: number | undefined;
	/** The same of each mark that is not durable yet. */
	private readonly marked: (number | undefined)[] = [];
	private came = 0;
	private sentAt = 0;

	/** @param tellsTime whether the times of sending and of the commits are those of one clock, which goes on */
	constructor(private readonly tellsTime: boolean) {}

	/** Since when the oldest of it is exposed; undefined: all of it is durable. */
	get exposedSince(): number | undefined {
		const times = [this.since, this.committed, ...this.marked].filter((time) => time !== undefined);
		return times.length === 0 ? undefined : Math.min(...times);
	}

	/** Bytes have come. */
	receive(sentAt: Date): void {
		this.came = performance.now();
		this.sentAt = sentAt.getTime();
		this.since ??= this.came;
	}

	/** Commits among what came last: how old they were when they were sent, the server's own clock tells. */
	commits({ firstCommitAt }: WalTimes): void {
		if (firstCommitAt === null || !this.tellsTime) return;
		const at = this.came - (this.sentAt - Date.parse(firstCommitAt));
		this.committed = Math.min(this.committed ?? at, at);
	}

	/**
	 * Marks what came so far; marks become durable in their order.
	 * @returns to be called once it is durable, with whether nothing came since; says for how many milliseconds the oldest of it was exposed
	 */
	mark(): (nothingSince: boolean) => number {
		const markedAt = performance.now();
		this.marked.push(this.committed);
		this.committed = undefined;
		return (nothingSince) => {
			const now = performance.now();
			const oldest = Math.min(this.since ?? now, this.marked.shift() ?? now);
			this.since = nothingSince ? undefined : markedAt;
			return now - oldest;
		};
	}
}
