import type { JobProgress } from '../core/progress';
import type { LastRun } from './last-run';
import { type FoundLock, isDead } from './lock-record';

/** Which recorded runs somebody alive still works on. */
export class LivingRuns {
	/** Locks by component and backup. */
	private readonly held: ReadonlyMap<string, FoundLock>;

	/** @param locks all locks, listed after `storeNow` */
	constructor(locks: readonly FoundLock[], storeNow: Date) {
		this.held = new Map(locks.flatMap((lock) => (!isDead(lock, storeNow) && lock.record?.backupId ? [[`${lock.name}/${lock.record.backupId}`, lock]] : [])));
	}

	/** Whether it is recorded as running while nobody alive holds its component's lock for it. */
	hasDied(run: LastRun): boolean {
		return run.outcome === 'running' && !this.held.has(`${run.component}/${run.backupId}`);
	}

	/** How far it is, as of the last heartbeat; `null` where nobody alive works on it or nothing was told. */
	progressOf(run: LastRun): JobProgress | null {
		return this.held.get(`${run.component}/${run.backupId}`)?.record?.progress ?? null;
	}
}
