import { findAllLocks, isDead, type LockMode } from '../catalog/lock-record';
import type { Lock } from '../catalog/locks';
import { readRetentionHold, type RetentionHold } from '../catalog/retention-hold';
import { timelineFolder } from '../catalog/layout';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import { timelineName } from '../postgres/replication/wal-segment';
import { chosenServers } from '../postgres/wal/archived-servers';
import { readWalRecord } from '../postgres/wal/wal-archive';
import type { Store } from '../storage/store';
import { planWal, spansOf, type WalDecision, type WalSpan } from './plan-wal';
import { walPlanInput } from './wal-plan-input';

export interface PruneWalOptions {
	/** Of one server; all when left out. */
	readonly systemIdentifier?: string;
	readonly windowHours: number;
	/** false: only plan. */
	readonly apply: boolean;
}

export interface PrunedServer {
	readonly systemIdentifier: string;
	/** Segments and pieces that stay, and that go or would go. */
	readonly kept: number;
	readonly toDelete: number;
	/** The same along the log, with the reason for each stretch. */
	readonly spans: WalSpan[];
}

export interface PruneWalOutcome {
	readonly applied: boolean;
	readonly servers: PrunedServer[];
	readonly deleted: number;
	readonly freedBytes: number;
	/** Why nothing was deleted although it was asked for: retention is on hold. */
	readonly hold: RetentionHold | null;
}

const PARALLEL = 8;

/**
 * Plans which archived WAL may go and, when asked, deletes it, under the store's `prune` lock. Archiving goes on meanwhile: it only adds at the
 * end, and what is young stays. The oldest goes first, its record before its bytes, so that an interruption leaves no gap.
 */
export async function pruneWal(store: Store, context: JobContext, options: PruneWalOptions): Promise<PruneWalOutcome> {
	const mode: LockMode = options.apply ? 'exclusive' : 'shared';
	return await withLock(store, context, { name: 'prune', mode, purpose: 'pruning WAL', waitSeconds: 0 }, async (lock, signal) => {
		const held = { ...context, signal };
		const hold = (await readRetentionHold(store)) ?? null;
		const applied = options.apply && !hold;
		const servers: PrunedServer[] = [];
		let deleted = 0;
		let freedBytes = 0;
		for (const systemIdentifier of await chosenServers(store, options.systemIdentifier)) {
			let decisions = await plan(store, held, systemIdentifier, options, lock);
			if (applied) {
				const outcome = await remove(store, held, systemIdentifier, decisions, lock);
				decisions = outcome.decisions;
				deleted += outcome.deleted;
				freedBytes += outcome.freedBytes;
			}
			const toDelete = decisions.filter(({ action }) => action === 'delete').length;
			servers.push({ systemIdentifier, kept: decisions.length - toDelete, toDelete, spans: spansOf(decisions) });
		}
		return { applied, servers, deleted, freedBytes, hold };
	});
}

async function plan(store: Store, context: JobContext, systemIdentifier: string, { windowHours }: PruneWalOptions, lock: Lock): Promise<WalDecision[]> {
	// Locks first: a job that begins to read an older base later finds what the plan leaves, and says so.
	const locks = await findAllLocks(store);
	const inUse = new Set(locks.flatMap((found) => (!isDead(found, lock.storeNow) && found.record?.backupId ? [found.record.backupId] : [])));
	const input = await walPlanInput(store, systemIdentifier, { windowHours, inUse, now: lock.storeNow }, context);
	return input ? planWal(input) : [];
}

async function remove(store: Store, context: JobContext, systemIdentifier: string, decisions: readonly WalDecision[], lock: Lock) {
	const outcome = new Map(decisions.map((decision) => [decision, decision]));
	const doomed = decisions.filter(({ action }) => action === 'delete');
	let deleted = 0;
	let freedBytes = 0;
	for (let at = 0; at < doomed.length; at += PARALLEL) {
		throwIfAborted(context.signal);
		context.progress({ step: 'Deleting old WAL', done: at, total: doomed.length, unit: 'files' });
		await lock.stillHeld();
		// Somebody may want everything to stay from this moment on.
		const hold = await readRetentionHold(store);
		const keptBecause = hold && `retention is on hold: ${hold.reason}`;
		await Promise.all(
			doomed.slice(at, at + PARALLEL).map(async (decision) => {
				const kept = keptBecause ?? (await removeOne(store, systemIdentifier, decision, context.signal));
				if (typeof kept === 'string') {
					outcome.set(decision, { ...decision, action: 'keep', reason: kept });
					return;
				}
				deleted += 1;
				freedBytes += kept;
			}),
		);
	}
	return { decisions: [...outcome.values()], deleted, freedBytes };
}

/** @returns the bytes that are free now, or why it stays */
async function removeOne(store: Store, systemIdentifier: string, { part }: WalDecision, signal: AbortSignal): Promise<number | string> {
	try {
		const record = await readWalRecord(store, { name: part.name, timeline: part.timeline, systemIdentifier }, signal);
		if (!record) return 0;
		const artifact = timelineFolder(systemIdentifier, timelineName(part.timeline)) + record.artifact.name;
		const protection = (await store.protection(artifact)) ?? (await store.protection(part.recordKey));
		if (protection) return protection.until === null ? 'the store holds it back until somebody lifts its legal hold' : `locked by the store until ${protection.until.toISOString()}`;
		await store.remove(part.recordKey);
		await store.remove(artifact);
		return record.artifact.storedBytes;
	} catch (error) {
		if (error instanceof BackupError && error.code === 'MANIFEST_INVALID') return error.message;
		throw error;
	}
}
