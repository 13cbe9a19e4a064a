import type { JobProgress } from '../core/progress';
import type { Store } from '../storage/store';
import { type LastRun, readLastRuns } from './last-run';
import { LivingRuns } from './living-runs';
import { findAllLocks } from './lock-record';

/** The newest run of a series, and whether it died: recorded as running while nobody alive works on it. */
export interface KnownRun {
	readonly run: LastRun;
	readonly died: boolean;
	/** How far it is, while it is running. */
	readonly progress?: JobProgress | null;
}

/**
 * The newest run of every series whose record can be read.
 * @param storeNow the store's present, or a moment before it: the earlier, the longer a silent run counts as alive
 */
export async function readKnownRuns(store: Store, storeNow: Date): Promise<KnownRun[]> {
	const living = new LivingRuns(await findAllLocks(store), storeNow);
	return (await readLastRuns(store)).flatMap(({ run }) => (run ? [{ run, died: living.hasDied(run), progress: run.outcome === 'running' ? living.progressOf(run) : null }] : []));
}
