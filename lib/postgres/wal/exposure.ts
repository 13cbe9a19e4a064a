/**
 * For how long, since it was last asked, anything that the server has written may have been nowhere else. While nothing can be received, nobody knows
 * whether it writes: that time counts. All times are those of `performance.now()`.
 */
export class Exposure {
	private worstMs = 0;
	/** Since when nothing became durable after an interruption. */
	private interruptedSince: number | undefined;

	/** The stream was interrupted; `exposedSince`: of what had been received by then and was not durable. */
	interrupted(exposedSince: number | undefined): void {
		this.interruptedSince ??= exposedSince ?? performance.now();
	}

	/** Something is durable that was exposed for so long. */
	archived(exposedMs: number): void {
		this.worstMs = Math.max(this.worstMs, exposedMs, this.sinceInterruption());
		this.interruptedSince = undefined;
	}

	/** The server keeps nothing for us: it has written nothing that is not durable. */
	nothingLeft(): void {
		this.interruptedSince = undefined;
	}

	/** The longest since the last call. @param exposedSince of what is being received now */
	takeMs(exposedSince: number | undefined): number {
		const present = exposedSince === undefined ? 0 : performance.now() - exposedSince;
		const worst = Math.max(this.worstMs, present, this.sinceInterruption());
		this.worstMs = 0;
		return worst;
	}

	private sinceInterruption(): number {
		return this.interruptedSince === undefined ? 0 : performance.now() - this.interruptedSince;
	}
}
