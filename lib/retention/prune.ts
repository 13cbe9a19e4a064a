import type { Component } from '../catalog/component';
import { recoveryPointKey } from '../catalog/layout';
import { listBackups } from '../catalog/list-backups';
import { listRecoveryPoints } from '../catalog/list-recovery-points';
import { findAllLocks, isDead, type LockMode } from '../catalog/lock-record';
import { readRetentionHold, type RetentionHold } from '../catalog/retention-hold';
import type { BackupSummary } from '../catalog/summary';
import type { Lock } from '../catalog/locks';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import { archivedServers } from '../postgres/wal/archived-servers';
import type { Store } from '../storage/store';
import { deleteBackup } from './delete-backup';
import { keepProtected } from './keep-protected';
import { findNewestRuns } from './newest-runs';
import type { RetentionDecision } from './plan';
import { planOverdue } from './plan-overdue';
import { planRetention } from './plan-retention';
import { type WalPlanInput, windowBases } from './plan-wal';
import type { RetentionPolicy } from './policy';
import { walPlanInput, type WalPlanRequest } from './wal-plan-input';

/** As long as WAL is kept where nobody says otherwise. */
export const DEFAULT_WAL_WINDOW_HOURS = 24;
const HOUR_MS = 3_600_000;

export interface PruneOptions {
	readonly component?: Component;
	readonly policy: RetentionPolicy;
	/** Where WAL is archived: how far back every point in time must stay reachable. What it begins with is kept, whatever the policy says. */
	readonly walWindowHours?: number;
	/** false: only plan. */
	readonly apply: boolean;
	/** Plan only: of what may go, only that which might have gone so many hours ago. */
	readonly overdueHours?: number;
}

export interface PruneOutcome {
	readonly applied: boolean;
	readonly decisions: RetentionDecision[];
	/** Ids of the backups that are gone. */
	readonly deleted: string[];
	readonly freedBytes: number;
	/** Recovery points that are gone, because none of their backups is left. */
	readonly deletedRecoveryPoints: string[];
	/** Why nothing was deleted although it was asked for: retention is on hold. */
	readonly hold: RetentionHold | null;
}

/**
 * Plans what may go and, when asked, deletes it. Both happen under the store's `prune` lock, so the plan is made from what is
 * there at that moment. The components' own locks are not taken: a scheduled backup must never fail because of pruning, and it
 * need not, because a series with a run in progress is left alone and every backup is locked by itself while it is deleted.
 */
export async function prune(store: Store, context: JobContext, options: PruneOptions): Promise<PruneOutcome> {
	if (options.apply && options.overdueHours !== undefined) {
		throw new BackupError('INVALID_INPUT', 'Only a plan can tell what is overdue.', 'Use "Overdue For (Hours)" with the mode Plan, or leave it out. Nothing was deleted.');
	}
	const mode: LockMode = options.apply ? 'exclusive' : 'shared';
	const request = { name: 'prune', mode, purpose: 'pruning the store', waitSeconds: 0 };
	return await withLock(store, context, request, async (lock, signal) => {
		const { decisions, doomed } = await plan(store, context, options, lock);
		let hold = (await readRetentionHold(store)) ?? null;
		if (!options.apply || hold) return { applied: false, decisions, deleted: [], freedBytes: 0, deletedRecoveryPoints: [], hold };

		const outcome = new Map(decisions.map((decision) => [decision, decision]));
		const deleted: string[] = [];
		let freedBytes = 0;
		const needed = new Map<string, string>();
		for (const [decision, backup] of doomed) {
			context.progress({ step: 'Deleting old backups', done: deleted.length, total: doomed.size, unit: 'steps' });
			const neededBy = needed.get(backup.id);
			if (neededBy !== undefined) {
				outcome.set(decision, { ...decision, action: 'keep', reasons: [`${neededBy} needs it`] });
				if (backup.parent !== null) needed.set(backup.parent, backup.id);
				continue;
			}
			await lock.stillHeld();
			// Somebody may want everything to stay from this moment on.
			hold = (await readRetentionHold(store)) ?? null;
			if (hold) {
				outcome.set(decision, { ...decision, action: 'keep', reasons: [`retention is on hold: ${hold.reason}`] });
				continue;
			}
			const freed = await deleteBackup(store, { ...context, signal }, backup);
			if (freed.deleted) {
				deleted.push(backup.id);
				freedBytes += freed.bytes;
			} else {
				outcome.set(decision, { ...decision, action: 'keep', reasons: [freed.reason] });
				// Its use began after the plan was made, and what it needs is in use with it.
				if (backup.parent !== null) needed.set(backup.parent, backup.id);
			}
		}
		const deletedRecoveryPoints = await removeEmptyRecoveryPoints(store, context, options.policy, signal);
		return { applied: true, decisions: [...outcome.values()], deleted, freedBytes, deletedRecoveryPoints, hold };
	});
}

async function plan(store: Store, context: JobContext, { component, policy, overdueHours, walWindowHours = DEFAULT_WAL_WINDOW_HOURS }: PruneOptions, lock: Lock) {
	// Locks first: a run that ends in between is then still counted as going on, never as dead.
	const locks = await findAllLocks(store);
	const newestRuns = await findNewestRuns(store, locks, lock.storeNow);
	const backups = await listBackups(store, { component });
	const inUse = new Set(locks.flatMap((found) => (!isDead(found, lock.storeNow) && found.record?.backupId ? [found.record.backupId] : [])));
	const recoveryPoints = policy.keepRecoveryPoints === 0 ? [] : (await listRecoveryPoints(store)).filter(({ complete }) => complete);
	const now = context.now();
	const wal = component === undefined || component === 'postgres' ? await readWal(store, context, { windowHours: walWindowHours, inUse, now: lock.storeNow }) : [];
	const input = { backups, newestRuns, policy, now, inUse, windowBases: beginning(wal), recoveryPoints };
	const planned = overdueHours === undefined ? planRetention(input) : planOverdue({ ...input, windowBasesThen: beginning(wal.map((each) => asOf(each, overdueHours))) }, new Date(now.getTime() - overdueHours * HOUR_MS));
	const decisions = await keepProtected(store, planned, backups);
	return { decisions, doomed: childrenFirst(decisions, backups) };
}

async function readWal(store: Store, context: JobContext, request: WalPlanRequest): Promise<WalPlanInput[]> {
	const inputs: WalPlanInput[] = [];
	for (const systemIdentifier of await archivedServers(store)) {
		const input = await walPlanInput(store, systemIdentifier, request, context);
		if (input) inputs.push(input);
	}
	return inputs;
}

function beginning(inputs: readonly WalPlanInput[]): Map<string, string> {
	return new Map(inputs.flatMap((input) => [...windowBases(input)]));
}

/** The same so many hours ago, as far as it is still there. */
function asOf(input: WalPlanInput, hours: number): WalPlanInput {
	const now = new Date(input.now.getTime() - hours * HOUR_MS);
	const parts = [...input.index.parts].map(([timeline, of]) => [timeline, of.filter(({ archivedAt }) => archivedAt <= now)] as const);
	return { ...input, now, bases: input.bases.filter(({ endedAt }) => endedAt <= now), index: { ...input.index, parts: new Map(parts) } };
}

/** Those none of whose members is left; one of a run in which everything failed stays as long as backups do. */
async function removeEmptyRecoveryPoints(store: Store, context: JobContext, policy: RetentionPolicy, signal: AbortSignal): Promise<string[]> {
	const removed: string[] = [];
	for (const { id, unreadable, members, recordedAt } of await listRecoveryPoints(store)) {
		if (unreadable || members.some(({ state }) => state !== 'gone')) continue;
		const ageDays = (context.now().getTime() - Date.parse(recordedAt)) / 86_400_000;
		if (members.length === 0 && ageDays < policy.keepDays) continue;
		throwIfAborted(signal);
		await store.remove(recoveryPointKey(id));
		removed.push(id);
	}
	return removed;
}

/** What is to be deleted, newest first: a backup goes before those that it needs, so that an interruption leaves no orphan. */
function childrenFirst(decisions: readonly RetentionDecision[], backups: readonly BackupSummary[]): Map<RetentionDecision, BackupSummary> {
	const byId = new Map(backups.map((backup) => [backup.id, backup]));
	const doomed = new Map<RetentionDecision, BackupSummary>();
	for (const decision of decisions) {
		const backup = byId.get(decision.id);
		if (decision.action === 'delete' && backup) doomed.set(decision, backup);
	}
	return doomed;
}
