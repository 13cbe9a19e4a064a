import type { DatabaseComparison } from './options';
import type { DatabaseCount } from '../rdb/rdb-report';
import type { RestoreCounts } from './restore-commands';
import { keysIn, type TargetServer } from './target-checks';

/**
 * Key counts after a restore. Into an empty target, each database must hold what was restored, but for keys whose time passed meanwhile. Where there were keys
 * before, it must hold at least that many: which of them were overwritten, Redis does not tell.
 */
export function compareKeys(counts: RestoreCounts, before: readonly TargetServer[], after: readonly TargetServer[], now: number): DatabaseComparison[] {
	const wasEmpty = keysIn(before) === 0;
	return counts.restoredKeys(now).map(({ database, keys, mayHaveExpired }) => {
		const found = after.flatMap(({ info }) => info.databases).filter(({ index }) => index === database).reduce((sum, counted) => sum + counted.keys, 0);
		const enough = found >= keys - mayHaveExpired;
		return { database, expected: keys, found, mayHaveExpired, equal: enough && (!wasEmpty || found <= keys) };
	});
}

/** The same after everything was replaced: each database must hold what the RDB does, and there is no other. */
export function compareReplaced(expected: readonly DatabaseCount[], after: readonly Pick<DatabaseCount, 'index' | 'keys'>[]): DatabaseComparison[] {
	const indexes = [...new Set([...expected, ...after].map(({ index }) => index))].sort((a, b) => a - b);
	return indexes.map((index) => {
		const { keys, expired = 0 } = expected.find((database) => database.index === index) ?? { keys: 0 };
		const found = after.find((database) => database.index === index)?.keys ?? 0;
		return { database: index, expected: keys, found, mayHaveExpired: expired, equal: found <= keys && found >= keys - expired };
	});
}
