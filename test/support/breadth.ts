/**
 * How much of what differs only in a point, a version or a moment is tried. `npm run test:exhaustive` tries all of it;
 * `npm test` has 12 minutes and tries a few, chosen anew each time. The names of the tests tell which.
 */
export const EXHAUSTIVE = process.env.BACKUP_RECOVERY_TEST_BREADTH === 'all';

/** All of them, or `most` chosen at random, in their order. */
export function few<T>(variants: readonly T[], most: number): T[] {
	if (EXHAUSTIVE || variants.length <= most) return [...variants];
	const drawn = new Set<number>();
	while (drawn.size < most) drawn.add(Math.floor(Math.random() * variants.length));
	return variants.filter((_, index) => drawn.has(index));
}

/** How often something random is tried. */
export function times(all: number, atLeast: number): number {
	return EXHAUSTIVE ? all : atLeast;
}

/** A test that is too long for `npm test`; shown as skipped there. */
export const longTest = EXHAUSTIVE ? test : test.skip;
