import type { LastRun } from './last-run';
import { type FoundLock, isDead } from './lock-record';

/** Which recorded runs somebody alive still works on. */
export class LivingRuns {
	private readonly held: ReadonlySet<string>;

	/** @param locks all locks, listed after `storeNow` */
	constructor(locks: readonly FoundLock[], storeNow: Date) {
		this.held = new Set(locks.flatMap((lock) => (!isDead(lock, storeNow) && lock.record?.backupId ? [`${lock.name}/${lock.record.backupId}`] : [])));
	}

	/** Whether it is recorded as running while nobody alive holds its component's lock for it. */
	hasDied(run: LastRun): boolean {
		return run.outcome === 'running' && !this.held.has(`${run.component}/${run.backupId}`);
	}
}
