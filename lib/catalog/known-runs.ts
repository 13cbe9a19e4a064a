import type { JobProgress } from '../core/progress';
import type { Store } from '../storage/store';
import { type FoundRun, type LastRun, readLastRuns } from './last-run';
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
 * Whoever may only read cannot ask the store for its time by writing. For him a run counts as dead only after this much silence, which forgives clocks
 * that differ.
 */
export const CLOCK_TOLERANCE_MS = 15 * 60_000;

/**
 * The newest run of every series whose record can be read.
 * @param storeNow the store's present, or a moment before it: the earlier, the longer a silent run counts as alive
 */
export async function readKnownRuns(store: Store, storeNow: Date): Promise<KnownRun[]> {
	return (await findRuns(store, storeNow)).known;
}

/** The same, and the records that cannot be read. */
export async function findRuns(store: Store, storeNow: Date): Promise<{ readonly known: KnownRun[]; readonly unreadable: FoundRun[] }> {
	const living = new LivingRuns(await findAllLocks(store), storeNow);
	const found = await readLastRuns(store);
	const known = found.flatMap(({ run }) => (run ? [{ run, died: living.hasDied(run), progress: run.outcome === 'running' ? living.progressOf(run) : null }] : []));
	return { known, unreadable: found.filter(({ run }) => run === undefined) };
}
