import type { DatabaseCount } from './rdb/rdb-report';

/** Keys per database over all snapshots. */
export function sumDatabases(lists: readonly (readonly DatabaseCount[])[]): DatabaseCount[] {
	const sums = new Map<number, { keys: number; expiring: number }>();
	for (const { index, keys, expiring } of lists.flat()) {
		const before = sums.get(index) ?? { keys: 0, expiring: 0 };
		sums.set(index, { keys: before.keys + keys, expiring: before.expiring + expiring });
	}
	return [...sums].map(([index, counts]) => ({ index, ...counts })).sort((a, b) => a.index - b.index);
}
