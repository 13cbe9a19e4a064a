import { performance } from 'node:perf_hooks';
import type { ErrorCode } from './errors';
import type { ProgressReporter } from './progress';

/** One precondition and whether it holds. `hint` says what to do where it does not. */
export interface CheckResult {
	readonly check: string;
	readonly state: 'passed' | 'warning' | 'failed';
	readonly detail: string;
	readonly hint?: string;
}

/** A check with the code of the error that it becomes where it fails. */
export interface RestoreCheck extends CheckResult {
	readonly code?: ErrorCode;
}

/** A finished step of a longer job, for tables that people read. */
export interface StepResult {
	readonly step: string;
	readonly seconds: number;
	readonly detail: string;
}

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
