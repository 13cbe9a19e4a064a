import { readLastRuns } from '../catalog/last-run';
import { type FoundLock, isDead } from '../catalog/lock-record';
import type { Store } from '../storage/store';
import type { NewestRun } from './plan';

/**
 * How the newest run of every series ended. One that is recorded as running while nobody alive holds its component's lock for
 * it has died, so it failed; a record that cannot be read counts as failed too.
 * @param locks all locks, listed after `storeNow`
 */
export async function findNewestRuns(store: Store, locks: readonly FoundLock[], storeNow: Date): Promise<NewestRun[]> {
	const alive = new Set(locks.flatMap((lock) => (!isDead(lock, storeNow) && lock.record?.backupId ? [`${lock.name}/${lock.record.backupId}`] : [])));
	const found = await readLastRuns(store);
	return found.map(({ series, modifiedAt, run }) => {
		if (!run) return { series, outcome: 'failed', at: modifiedAt.toISOString() };
		const died = run.outcome === 'running' && !alive.has(`${run.component}/${run.backupId}`);
		return { series, outcome: died ? 'failed' : run.outcome, at: run.finishedAt ?? run.startedAt };
	});
}
