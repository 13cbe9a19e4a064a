/** What must be undone at the end, newest first, however the end comes. */
export class CleanUp {
	private readonly steps: Array<() => Promise<void>> = [];

	add(step: () => Promise<void>): void {
		this.steps.push(step);
	}

	/** Undoes what has been added since the last time; one failure does not keep the others from being tried. */
	async run(): Promise<void> {
		const failures: unknown[] = [];
		for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
			await step().catch((error: unknown) => failures.push(error));
		}
		if (failures.length > 0) throw new AggregateError(failures, `Cleaning up failed: ${failures.map(String).join('; ')}`);
	}
}
