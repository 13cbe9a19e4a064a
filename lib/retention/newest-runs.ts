import { readLastRuns } from '../catalog/last-run';
import { LivingRuns } from '../catalog/living-runs';
import type { FoundLock } from '../catalog/lock-record';
import type { Store } from '../storage/store';
import type { NewestRun } from './plan';

/**
 * How the newest run of every series ended. One that has died failed; a record that cannot be read counts as failed too.
 * @param locks all locks, listed after `storeNow`
 */
export async function findNewestRuns(store: Store, locks: readonly FoundLock[], storeNow: Date): Promise<NewestRun[]> {
	const living = new LivingRuns(locks, storeNow);
	const found = await readLastRuns(store);
	return found.map(({ series, modifiedAt, run }) => {
		if (!run) return { series, outcome: 'failed', at: modifiedAt.toISOString() };
		return { series, outcome: living.hasDied(run) ? 'failed' : run.outcome, at: run.finishedAt ?? run.startedAt };
	});
}
