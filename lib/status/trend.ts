/** The median deviation of a normal distribution, as a share of its standard deviation, inverted. */
const MAD_TO_SIGMA = 1.4826;

export interface Expectation {
	readonly expected: number;
	/** Like a standard deviation, and not moved by a few outliers. */
	readonly scatter: number;
}

/**
 * The next value of a line through the points, and how far they lie from it. The line is that of Theil and Sen, with the median of all slopes
 * between two points (https://en.wikipedia.org/wiki/Theil-Sen_estimator). Pure.
 * @param values equally far apart, oldest first; at least one
 */
export function expectation(values: readonly number[]): Expectation {
	// Every backup of a store is judged at each look, hence numbers in typed arrays: these sort several times as fast.
	const slopes = new Float64Array((values.length * (values.length - 1)) / 2);
	let count = 0;
	for (let from = 0; from < values.length; from++) {
		for (let to = from + 1; to < values.length; to++) slopes[count++] = ((values[to] ?? 0) - (values[from] ?? 0)) / (to - from);
	}
	const slope = count === 0 ? 0 : median(slopes);
	const level = median(Float64Array.from(values, (value, at) => value - slope * at));
	const scatter = MAD_TO_SIGMA * median(Float64Array.from(values, (value, at) => Math.abs(value - level - slope * at)));
	return { expected: level + slope * values.length, scatter };
}

/** Sorts them. */
function median(values: Float64Array): number {
	const sorted = values.sort();
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
