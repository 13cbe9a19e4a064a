import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { type ExpectedRun, readExpectedRuns } from './expected-runs';
import { readStartedRun, type StartedRun, writeStartedRun } from './started-runs';
import { withLock } from './with-lock';

/** A clock that starts runs may be late by so much, and a run needs a moment to say that it has begun. */
const GRACE_MS = 10 * 60_000;
/** A run that began is given at least so long before it is tried again. */
const LEAST_PATIENCE_MS = 3 * 3_600_000;

/**
 * Whether a run must be made up for: it should have begun by the clock, and has not; or it has, long enough ago to have succeeded, and did not. Pure.
 * @param started the newest beginning of it
 */
export function isMissed({ dueAt, nextBy }: Pick<ExpectedRun, 'dueAt' | 'nextBy'>, started: Pick<StartedRun, 'startedAt'> | undefined, now: Date): boolean {
	if (dueAt === undefined) return false;
	const due = Date.parse(dueAt);
	if (due + GRACE_MS > now.getTime()) return false;
	const begun = started && Date.parse(started.startedAt);
	// One in the future is of a clock that was wrong: it must not keep runs from being made up for.
	if (begun === undefined || begun < due || begun > now.getTime() + GRACE_MS) return true;
	return now.getTime() - begun > Math.max(Date.parse(nextBy) - due, LEAST_PATIENCE_MS);
}

/**
 * Takes the runs that were missed, the longest overdue first. Each counts as begun from now on, so that whoever asks next does not start it a second time
 * while it waits for its turn.
 */
export async function takeMissedRuns(store: Store, context: JobContext): Promise<ExpectedRun[]> {
	return await withLock(store, context, { name: 'schedules', mode: 'exclusive', purpose: 'looking for runs that were missed', waitSeconds: 30 }, async (_lock, signal) => {
		const now = context.now();
		const missed: ExpectedRun[] = [];
		for (const schedule of await readExpectedRuns(store)) {
			if (!isMissed(schedule, await readStartedRun(store, schedule.id), now)) continue;
			await writeStartedRun(store, { id: schedule.id, name: schedule.name, startedAt: now.toISOString() }, signal);
			missed.push(schedule);
		}
		return missed.sort((a, b) => Date.parse(a.dueAt ?? '') - Date.parse(b.dueAt ?? ''));
	});
}
