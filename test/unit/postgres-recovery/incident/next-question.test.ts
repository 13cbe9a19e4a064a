import fc from 'fast-check';
import { backsFor, questionsFor, splitOutcomes } from '../../../../lib/postgres/recovery/incident/next-question';
import { times } from '../../../support/breadth';

/** Searches as the finder does. */
function search(outcomes: number, truth: number, mostRecoveries: number): { found: number; questions: number; recoveries: number } {
	let backs = backsFor(outcomes, mostRecoveries - 1);
	const allowed = questionsFor(outcomes, backs);
	let sound = 0;
	let damaged = outcomes;
	let standsAt = 0;
	let questions = 0;
	let recoveries = 1;
	while (damaged - sound > 1) {
		if (standsAt > sound) {
			recoveries += 1;
			backs -= 1;
		}
		const left = splitOutcomes(damaged - sound, backs);
		if (left < 1 || left >= damaged - sound || backs < 0) throw new Error(`${left} of ${damaged - sound} with ${backs} recoveries left`);
		const middle = sound + left;
		standsAt = middle;
		questions += 1;
		if (middle >= truth) damaged = middle;
		else sound = middle;
	}
	if (questions > allowed) throw new Error(`${questions} questions, announced were ${allowed}`);
	return { found: damaged, questions, recoveries };
}

test('every place is found, with no more questions and recoveries than announced', () => {
	fc.assert(
		fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 12 }), (outcomes, part, most) => {
			const truth = 1 + Math.floor(part * (outcomes - 1));
			const { found, recoveries } = search(outcomes, truth, most);
			expect(found).toBe(truth);
			expect(recoveries).toBeLessThanOrEqual(most);
		}),
		{ numRuns: times(500, 200, 40) },
	);
});

test('a second of two hours: at most 12 recoveries, wherever it is', () => {
	const found = Array.from({ length: 720 }, (_, at) => search(7200, 1 + at * 10 + (at % 10), 12));
	expect(Math.max(...found.map(({ recoveries }) => recoveries))).toBeLessThanOrEqual(6);
	expect(Math.max(...found.map(({ questions }) => questions))).toBeLessThanOrEqual(24);
});

test('one transaction of four million: still at most 12', () => {
	const outcomes = 4 * 1024 * 1024;
	expect(backsFor(outcomes, 11)).toBeLessThanOrEqual(11);
	expect(questionsFor(outcomes, backsFor(outcomes, 11))).toBeLessThanOrEqual(48);
});
