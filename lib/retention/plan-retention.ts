import { seriesOf } from '../catalog/series';
import type { BackupSummary } from '../catalog/summary';
import { bucketOf, PERIODS, requireTimeZone } from './calendar';
import type { CompleteRecoveryPoint, NewestRun, PlanRetention, RetentionDecision } from './plan';
import type { RetentionPolicy } from './policy';

const DAY_MS = 86_400_000;

/** Why each backup is kept; one without a reason may go. */
type Reasons = Map<BackupSummary, string[]>;

interface Planning {
	readonly policy: RetentionPolicy;
	readonly now: Date;
	readonly keep: Reasons;
}

/**
 * Decides from the catalog alone what may go. Everything that is not certain is kept: what runs, what failed, what cannot be
 * read, and whatever those may need. @throws BackupError `INVALID_INPUT` for an unknown time zone
 */
export const planRetention: PlanRetention = ({ backups, newestRuns, policy, now, inUse, windowBases = new Map<string, string>(), recoveryPoints = [] }) => {
	requireTimeZone(policy.timeZone);
	const planning: Planning = { policy, now, keep: new Map(backups.map((backup) => [backup, []])) };
	const restorable = provenRestorable(backups);
	for (const series of grouped([...backups].sort(newestFirst), seriesOf).values()) keepOfSeries(planning, series, restorable);
	keepAfterFailedRuns(planning, newestRuns);
	for (const backup of backups) if (inUse.has(backup.id)) keep(planning, backup, 'a running job uses it');
	for (const backup of backups) {
		const why = backup.component === 'postgres' ? windowBases.get(backup.id) : undefined;
		if (why !== undefined) keep(planning, backup, why);
	}
	keepRecoveryPoints(planning, recoveryPoints);
	keepUnreadable(planning);
	keepAncestors(planning);
	return [...backups].sort(newestFirst).map((backup) => decide(planning, backup));
};

function keepOfSeries(planning: Planning, series: readonly BackupSummary[], restorable: ReadonlySet<BackupSummary>): void {
	const { policy, now } = planning;
	const [newest] = series;
	if (newest) keep(planning, newest, 'the newest of its series');

	const verified = series.filter((backup) => restorable.has(backup));
	for (const [index, backup] of verified.slice(0, policy.keepLastVerified).entries()) {
		keep(planning, backup, `number ${index + 1} of the newest ${policy.keepLastVerified} verified`);
	}
	const undamaged = series.filter((backup) => backup.status === 'success');
	if (verified.length === 0) {
		for (const backup of undamaged.slice(0, policy.keepLastVerified)) keep(planning, backup, 'none of its series is verified, so the newest stay');
		for (const backup of series) if (backup.status === 'damaged') keep(planning, backup, 'damaged, but none of its series is verified');
	}

	for (const backup of series) {
		if (ageDays(backup, now) < policy.keepDays) keep(planning, backup, `younger than ${policy.keepDays} days`);
	}
	for (const period of PERIODS) {
		for (const [bucket, chosen] of newestBuckets(undamaged, restorable, (backup) => bucketOf(period, backup.startedAt, policy.timeZone), policy[period])) {
			keep(planning, chosen, `the ${period} one of ${bucket}`);
		}
	}
}

/** The newest `count` buckets that have a backup, each with the newest that is verified or else the newest of all. */
function newestBuckets(
	backups: readonly BackupSummary[],
	restorable: ReadonlySet<BackupSummary>,
	bucket: (backup: BackupSummary) => string,
	count: number,
): [string, BackupSummary][] {
	const buckets = [...grouped(backups, bucket)].slice(0, count);
	return buckets.flatMap(([name, members]) => {
		const chosen = members.find((backup) => restorable.has(backup)) ?? members[0];
		return chosen ? [[name, chosen]] : [];
	});
}

/** The verified backups whose whole chain of ancestors is there and undamaged. */
function provenRestorable(backups: readonly BackupSummary[]): Set<BackupSummary> {
	const byPlace = new Map(backups.map((backup) => [place(backup.component, backup.id), backup]));
	const complete = (backup: BackupSummary): boolean => {
		const seen = new Set<BackupSummary>();
		for (let current = backup; ; ) {
			if (current.status === 'damaged' || seen.has(current)) return false;
			if (current.parent === null) return true;
			seen.add(current);
			const parent = byPlace.get(place(current.component, current.parent));
			if (!parent) return false;
			current = parent;
		}
	};
	return new Set(backups.filter((backup) => backup.verified !== null && complete(backup)));
}

/** While the newest run of a series has not succeeded, what is there may be all there will be. */
function keepAfterFailedRuns(planning: Planning, newestRuns: readonly NewestRun[]): void {
	const unsuccessful = new Map(newestRuns.filter((run) => run.outcome !== 'success').map((run) => [run.series, run]));
	for (const backup of planning.keep.keys()) {
		const run = unsuccessful.get(seriesOf(backup));
		if (!run) continue;
		keep(planning, backup, run.outcome === 'running' ? `a run of its series is going on since ${run.at}` : `the newest run of its series failed (${run.at})`);
	}
}

/** What can be restored together is worth more than its parts. */
function keepRecoveryPoints(planning: Planning, recoveryPoints: readonly CompleteRecoveryPoint[]): void {
	const byPlace = new Map([...planning.keep.keys()].map((backup) => [place(backup.component, backup.id), backup]));
	const newest = [...recoveryPoints].sort(newestFirst).slice(0, planning.policy.keepRecoveryPoints);
	for (const { id, members } of newest) {
		for (const { component, backup } of members) {
			const member = byPlace.get(place(component, backup));
			// Plans for one component see only its backups.
			if (member) keep(planning, member, `belongs to the recovery point ${id}`);
		}
	}
}

/** Nobody knows what an unreadable backup is worth or which older ones it needs. */
function keepUnreadable(planning: Planning): void {
	const backups = [...planning.keep.keys()];
	for (const unreadable of backups.filter((backup) => backup.unreadable === true)) {
		keep(planning, unreadable, 'its manifest cannot be read: look at it by hand, then repair or delete its folder');
		for (const backup of backups) {
			if (backup.component !== unreadable.component || backup.id >= unreadable.id) continue;
			keep(planning, backup, `${unreadable.id}, whose manifest cannot be read, may need it`);
		}
	}
}

/** A backup without its ancestors cannot be restored. */
function keepAncestors(planning: Planning): void {
	const byPlace = new Map([...planning.keep.keys()].map((backup) => [place(backup.component, backup.id), backup]));
	const pending = [...planning.keep].filter(([, reasons]) => reasons.length > 0).map(([backup]) => backup);
	for (let child = pending.pop(); child !== undefined; child = pending.pop()) {
		if (child.parent === null) continue;
		const parent = byPlace.get(place(child.component, child.parent));
		if (!parent) continue;
		const known = planning.keep.get(parent)?.length ?? 0;
		keep(planning, parent, `${child.id} needs it`);
		if (known === 0) pending.push(parent);
	}
}

function decide({ keep: kept, policy }: Planning, backup: BackupSummary): RetentionDecision {
	const reasons = kept.get(backup) ?? [];
	const series = seriesOf(backup);
	if (reasons.length > 0) return { id: backup.id, series, action: 'keep', reasons };
	const why = backup.status === 'damaged' ? 'damaged, and ' : '';
	return { id: backup.id, series, action: 'delete', reasons: [`${why}older than ${policy.keepDays} days, and no other rule keeps it`] };
}

function keep({ keep: kept }: Planning, backup: BackupSummary, reason: string): void {
	kept.get(backup)?.push(reason);
}

function ageDays(backup: BackupSummary, now: Date): number {
	return (now.getTime() - new Date(backup.startedAt).getTime()) / DAY_MS;
}

function place(component: string, id: string): string {
	return `${component}/${id}`;
}

/** In the order of first appearance. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
	const groups = new Map<string, T[]>();
	for (const item of items) {
		const key = keyOf(item);
		const group = groups.get(key);
		if (group) group.push(item);
		else groups.set(key, [item]);
	}
	return groups;
}

function newestFirst(a: { readonly id: string }, b: { readonly id: string }): number {
	return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}
