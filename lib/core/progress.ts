/** What `done` and `total` of a progress event count. */
export const PROGRESS_UNITS = ['bytes', 'tables', 'rows', 'steps', 'files'] as const;
export type ProgressUnit = (typeof PROGRESS_UNITS)[number];

/** One line of progress. `step` is a short phrase in plain English ("Dumping crm_dashboard"); `total` is left out when unknown. */
export interface ProgressEvent {
	readonly step: string;
	readonly done?: number;
	readonly total?: number;
	readonly unit?: ProgressUnit;
}

export type ProgressReporter = (event: ProgressEvent) => void;

/** How far a job has come in its present step, for those who look at it from outside. `null`: not known. */
export interface JobProgress {
	readonly step: string;
	readonly done: number | null;
	readonly total: number | null;
	readonly unit: ProgressUnit | null;
	/** What `done` has grown by in a second, on average since the step began. */
	readonly perSecond: number | null;
	/** When the step told this, ISO 8601. */
	readonly at: string;
}

/** Hands events on and remembers how far the job has come; a warning is no step. */
export class ProgressMemory {
	private last: { readonly event: ProgressEvent; readonly at: Date } | undefined;
	private first: { readonly done: number; readonly at: Date } | undefined;

	constructor(
		private readonly report: ProgressReporter,
		private readonly now: () => Date,
	) {}

	readonly reporter: ProgressReporter = (event) => {
		if (!event.step.startsWith('Warning: ')) this.remember(event);
		this.report(event);
	};

	/** `null` before the first event. */
	readonly latest = (): JobProgress | null => {
		if (!this.last) return null;
		const { event, at } = this.last;
		const seconds = this.first ? (at.getTime() - this.first.at.getTime()) / 1000 : 0;
		const perSecond = this.first && event.done !== undefined && seconds > 0 ? (event.done - this.first.done) / seconds : null;
		return { step: event.step, done: event.done ?? null, total: event.total ?? null, unit: event.unit ?? null, perSecond, at: at.toISOString() };
	};

	private remember(event: ProgressEvent): void {
		const at = this.now();
		if (event.step !== this.last?.event.step) this.first = undefined;
		if (!this.first && event.done !== undefined) this.first = { done: event.done, at };
		this.last = { event, at };
	}
}

/**
 * Lets an event through when the step changes or `intervalMs` have passed since the last one,
 * so that a fast loop does not flood the channel to the parent process.
 */
export function throttled(report: ProgressReporter, now: () => number, intervalMs = 250): ProgressReporter {
	let lastAt = Number.NEGATIVE_INFINITY;
	let lastStep: string | undefined;
	return (event) => {
		const at = now();
		const finished = event.total !== undefined && event.done === event.total;
		if (event.step === lastStep && at - lastAt < intervalMs && !finished) return;
		lastAt = at;
		lastStep = event.step;
		report(event);
	};
}
