/**
 * Where to ask next, so that few recoveries are needed. A server that recovers can be sent on, never back: after a "no damage yet" the next question
 * costs a restart and the log in between, after a "damaged" a whole new recovery. So questions lean to the side where less has to be done again.
 */

/** What a recovery costs, in questions to a server that is there already. Laying out the base backup is most of it. */
const COST_OF_RECOVERY = 4;

/** How many outcomes `questions` answers can tell apart when at most `backs` of them may lead to a new recovery. Capped at `limit`. */
function told(questions: number, backs: number, limit: number): number {
	// The last "damaged" needs no new recovery where only one outcome is left: so one more of them may be given than there are new recoveries.
	let sum = 1;
	let ways = 1;
	for (let yes = 1; yes <= Math.min(backs + 1, questions) && sum < limit; yes++) {
		ways = (ways * (questions - yes + 1)) / yes;
		sum += ways;
	}
	return Math.min(sum, limit);
}

/** The fewest questions that tell so many outcomes apart with so many new recoveries. */
export function questionsFor(outcomes: number, backs: number): number {
	let high = 1;
	while (told(high, backs, outcomes) < outcomes) high *= 2;
	let low = 0;
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (told(middle, backs, outcomes) < outcomes) low = middle;
		else high = middle;
	}
	return outcomes <= 1 ? 0 : high;
}

/** How many new recoveries after the first are worth allowing, at most `most`: the least work in the worst case. */
export function backsFor(outcomes: number, most: number): number {
	let best = 0;
	let least = Number.POSITIVE_INFINITY;
	for (let backs = 0; backs <= most; backs++) {
		if (backs >= outcomes) break;
		const work = backs * COST_OF_RECOVERY + questionsFor(outcomes, backs);
		if (work >= least) continue;
		least = work;
		best = backs;
	}
	return best;
}

/**
 * How many of `outcomes` (two or more, in order of time) to put on the "damaged" side of the next question; 1 at least, one less than all at most.
 * @param backs how many new recoveries are left
 */
export function splitOutcomes(outcomes: number, backs: number): number {
	const questions = questionsFor(outcomes, backs);
	const least = Math.max(1, outcomes - told(questions - 1, backs, outcomes));
	const most = Math.min(outcomes - 1, told(questions - 1, backs - 1, outcomes));
	return Math.min(Math.max(Math.floor(outcomes / 2), least), Math.max(most, least));
}
