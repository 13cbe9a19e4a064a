import type { RecoverySummary } from '../catalog/recovery-summary';
import { expectation } from '../status/trend';
import { durationWords } from '../core/words';

/** How long one stage took and is expected to take. */
export interface StageForecast {
	readonly stage: string;
	readonly lastSeconds: number;
	readonly expectedSeconds: number;
	readonly drills: number;
}

export interface RtoForecast {
	/** What a recovery after the next drill is expected to take, with a margin for the scatter; null: no drill has succeeded yet. */
	readonly seconds: number | null;
	readonly targetSeconds: number;
	readonly reached: boolean | null;
	/** Successful drills that it rests on. */
	readonly drills: number;
	readonly lastSeconds: number | null;
	/** In the order of the newest drill. */
	readonly stages: readonly StageForecast[];
	readonly explanation: string;
}

/** More than these say little about today's data. */
const NEWEST = 12;
/** Of a normal distribution, so many scatters above the expectation are exceeded once in forty times. */
const MARGIN = 2;
/** A single drill says nothing about scatter: half as much again is added. */
const MARGIN_OF_ONE = 1.5;

/**
 * What a recovery is going to take, told from drills: for each stage of the newest one a line through the times that it took, one step
 * further, never below the half of the last time; then the sum, with a margin for how much whole drills scatter. Pure.
 * @param drills journals of one runbook, in any order; those that did not succeed are passed over
 */
export function forecastRto(drills: readonly RecoverySummary[], targetSeconds: number): RtoForecast {
	const succeeded = drills.filter(({ state }) => state === 'succeeded').sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt)).slice(-NEWEST);
	const newest = succeeded.at(-1);
	if (!newest) return { seconds: null, targetSeconds, reached: null, drills: 0, lastSeconds: null, stages: [], explanation: 'No drill has succeeded yet, so nothing can be said.' };
	const stages = newest.stages.flatMap(({ stage, state, seconds }): StageForecast[] => {
		if (state !== 'done' || seconds === null) return [];
		const times = succeeded.flatMap((drill) => drill.stages.find((each) => each.stage === stage && each.state === 'done')?.seconds ?? []);
		return [{ stage, lastSeconds: seconds, expectedSeconds: rounded(Math.max(expectation(times).expected, seconds / 2)), drills: times.length }];
	});
	const sum = stages.reduce((total, { expectedSeconds }) => total + expectedSeconds, 0);
	const totals = succeeded.map((drill) => drill.stages.reduce((total, { state, seconds }) => total + (state === 'done' ? (seconds ?? 0) : 0), 0));
	const seconds = rounded(succeeded.length === 1 ? sum * MARGIN_OF_ONE : sum + MARGIN * expectation(totals).scatter);
	const reached = seconds <= targetSeconds;
	const slowest = [...stages].sort((a, b) => b.expectedSeconds - a.expectedSeconds)[0];
	const most = slowest ? ` Most of it is "${slowest.stage}" (${durationWords(slowest.expectedSeconds)}).` : '';
	const explanation = `${succeeded.length === 1 ? 'One drill lets' : `${succeeded.length} drills let`} expect ${durationWords(seconds)} for a recovery; ${durationWords(targetSeconds)} is the target, which is ${reached ? 'reached' : 'missed'}.${most} Deciding, fencing the application and switching over come on top.`;
	return { seconds, targetSeconds, reached, drills: succeeded.length, lastSeconds: rounded(totals.at(-1) ?? 0), stages, explanation };
}

function rounded(seconds: number): number {
	return Math.round(seconds * 1000) / 1000;
}
