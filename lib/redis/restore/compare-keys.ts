import type { DatabaseComparison } from './options';
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
