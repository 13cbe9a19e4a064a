/** What `done` and `total` of a progress event count. */
export type ProgressUnit = 'bytes' | 'tables' | 'rows' | 'steps' | 'files';

/** One line of progress. `step` is a short phrase in plain English ("Dumping crm_dashboard"); `total` is left out when unknown. */
export interface ProgressEvent {
	readonly step: string;
	readonly done?: number;
	readonly total?: number;
	readonly unit?: ProgressUnit;
}

export type ProgressReporter = (event: ProgressEvent) => void;

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
