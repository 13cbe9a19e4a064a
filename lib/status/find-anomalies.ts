import { sizeWords } from '../core/words';
import { type Measure, MEASURES, type Measures } from './measures';
import { expectation, type Expectation } from './trend';

export interface Anomaly {
	readonly measure: Measure;
	/** `alarm`: as by a mass delete or by encryption of the files; `notice`: only unusual. */
	readonly severity: 'alarm' | 'notice';
	readonly value: number;
	/** What the backups before let expect. */
	readonly expected: number;
	/** One sentence in plain English. */
	readonly detail: string;
}

/** Fewer than this many backups say nothing about what is usual. */
export const SHORTEST_HISTORY = 5;
const LONGEST_HISTORY = 30;
/** How many times the usual scatter a value must be off: with scatter of a normal distribution less than once in a million. */
const SCATTERS = 6;

/**
 * What of the newest backup does not fit those before it. The expected value follows the trend of the series (the median of all slopes
 * between two of its points: https://en.wikipedia.org/wiki/Theil-Sen_estimator), the tolerated distance its own scatter, so that growth and
 * the rhythm of a week are no anomalies. Pure.
 * @param history measures of the backups before, oldest first, of the same series
 */
export function findAnomalies(newest: Measures, history: readonly Measures[]): Anomaly[] {
	return MEASURES.flatMap((measure) => {
		const value = newest[measure];
		const before = history.flatMap((one) => one[measure] ?? []).slice(-LONGEST_HISTORY);
		if (value === undefined || before.length < SHORTEST_HISTORY) return [];
		// How large an incremental backup is says what its share of changed files says, and less clearly.
		if (newest.changedShare !== undefined && (measure === 'storedBytes' || measure === 'sourceBytes')) return [];
		return judge(measure, value, before);
	});
}

function judge(measure: Measure, value: number, before: readonly number[]): Anomaly[] {
	const found = (severity: Anomaly['severity'], detail: string, expected: number): Anomaly[] => [{ measure, severity, value, expected, detail }];
	switch (measure) {
		case 'storedShare': {
			const { expected, scatter } = expectation(before);
			return value - expected > Math.max(SCATTERS * scatter, 0.03)
				? found('alarm', `It compresses to ${percent(value)} of its size instead of ${percent(expected)}: encrypted files look like this.`, expected)
				: [];
		}
		case 'changedShare':
		case 'deletedShare': {
			// A share moves in bursts: quiet days must not make a busy one an alarm, nor the first busy one the next.
			const usual = Math.max(...before);
			const what = measure === 'changedShare' ? 'changed' : 'were deleted';
			return value > Math.max(3 * usual, usual + 0.04) ? found('alarm', `${percent(value)} of all files ${what}; at most ${percent(usual)} is usual.`, usual) : [];
		}
		case 'rows':
		case 'files': {
			const { expected, scatter } = logExpectation(before);
			const loss = 1 - value / expected;
			const off = Math.log(expected) - Math.log(Math.max(value, 0.5));
			return loss > 0.1 && off > SCATTERS * scatter ? found('alarm', `${Math.round(value)} ${measure} instead of about ${Math.round(expected)}: a tenth or more is gone.`, expected) : [];
		}
		case 'storedBytes':
		case 'sourceBytes': {
			const { expected, scatter } = logExpectation(before);
			const off = Math.abs(Math.log(Math.max(value, 1)) - Math.log(expected));
			if (off <= Math.max(SCATTERS * scatter, Math.log(1.5))) return [];
			const half = value < expected / 2;
			return found(half ? 'alarm' : 'notice', `${sizeWords(value)} ${measure === 'storedBytes' ? 'in the store' : 'backed up'} instead of about ${sizeWords(expected)}.`, expected);
		}
	}
}

/** The same of what grows by shares rather than by amounts. */
function logExpectation(values: readonly number[]): Expectation {
	const { expected, scatter } = expectation(values.map((value) => Math.log(Math.max(value, 1))));
	return { expected: Math.exp(expected), scatter };
}

function percent(value: number): string {
	return `${(value * 100).toFixed(1)} %`;
}
