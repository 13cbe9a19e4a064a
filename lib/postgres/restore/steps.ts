import { performance } from 'node:perf_hooks';
import type { ProgressReporter } from '../../core/progress';
import type { StepResult } from './result';

/** Runs the steps of a longer job one after the other, reports each as progress, and keeps what it did and how long it took. */
export class StepRecorder {
	readonly steps: StepResult[] = [];

	constructor(readonly progress: ProgressReporter) {}

	/** `describe` turns the step's result into the sentence that people read. */
	async run<T>(step: string, body: () => Promise<T>, describe: (result: T) => string): Promise<T> {
		this.progress({ step });
		const startedAt = performance.now();
		const result = await body();
		this.steps.push({ step, seconds: Math.round(performance.now() - startedAt) / 1000, detail: describe(result) });
		return result;
	}
}
