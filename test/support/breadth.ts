/**
 * How much of what differs only in a point, a version or a moment is tried. `npm run test:exhaustive` tries all of it; `npm test` has
 * 12 minutes and tries a few, chosen anew each time; `npm run test:unit` is to answer at once. The names of the tests tell which.
 */
const BREADTH = process.env.BACKUP_RECOVERY_TEST_BREADTH;
export const EXHAUSTIVE = BREADTH === 'all';
const AT_ONCE = BREADTH === 'at once';

/** All of them, or `most` chosen at random, in their order. */
export function few<T>(variants: readonly T[], most: number): T[] {
	if (EXHAUSTIVE || variants.length <= most) return [...variants];
	const drawn = new Set<number>();
	while (drawn.size < most) drawn.add(Math.floor(Math.random() * variants.length));
	return variants.filter((_, index) => drawn.has(index));
}

/** How often something random is tried. */
export function times(all: number, some: number, atOnce = some): number {
	return EXHAUSTIVE ? all : AT_ONCE ? atOnce : some;
}

/** All of them, but where the answer is to come at once only `most`, chosen at random. */
export function someAtOnce<T>(variants: readonly T[], most: number): T[] {
	return AT_ONCE ? few(variants, most) : [...variants];
}

/** A test that is too long for `npm test`; shown as skipped there. */
export const longTest = EXHAUSTIVE ? test : test.skip;
