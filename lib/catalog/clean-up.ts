import type { JobContext } from '../core/context';
import { throwIfAborted } from '../core/errors';
import { listAll } from '../storage/list-all';
import type { Store } from '../storage/store';
import { COMPONENTS, type Component } from './component';
import { backupFolder, componentFolder, LOCKS_FOLDER, manifestKey, SETS_FOLDER } from './layout';
import { findAllLocks, type FoundLock, isDead, type LockMode } from './lock-record';
import type { Lock } from './locks';
import { backupIdSchema } from './manifest';
import { cleanUpWal } from './wal-leftovers';
import { withLock } from './with-lock';

/** Something that no backup and no running job needs. */
export interface Leftover {
	readonly key: string;
	readonly bytes: number;
	readonly reason: string;
}

export interface CleanUpOptions {
	/** false: only list. */
	readonly apply: boolean;
	/** Younger ones stay. */
	readonly olderThanMinutes: number;
}

export interface CleanUpOutcome {
	readonly applied: boolean;
	readonly leftovers: Leftover[];
	readonly freedBytes: number;
}

/** Short writes: nobody stays in the middle of one for long. */
const SHORT_LIVED = [LOCKS_FOLDER, 'status/', SETS_FOLDER];

/** Finds, and when asked removes, what runs that died have left in the store. Published backups are never touched. */
export async function cleanUpStore(store: Store, context: JobContext, options: CleanUpOptions): Promise<CleanUpOutcome> {
	const mode: LockMode = options.apply ? 'exclusive' : 'shared';
	const request = { name: 'clean-up', mode, purpose: 'cleaning up the store', waitSeconds: 0 };
	return await withLock(store, context, request, async (lock, signal) => {
		const olderThan = new Date(lock.storeNow.getTime() - options.olderThanMinutes * 60_000);
		const folders = await findBackupFolders(store);
		const locks = await findAllLocks(store);
		const busy = new Set(locks.flatMap((found) => (isDead(found, lock.storeNow) ? [] : [found.record?.backupId])));
		const idle = folders.filter(({ id }) => !busy.has(id));

		const objects = [...(await findUnpublished(store, idle, olderThan)), ...describeDead(locks, lock, olderThan)];
		const unfinishedIn = [...SHORT_LIVED, ...idle.map(({ component, id }) => backupFolder(component, id))];
		const wal = await cleanUpWal(store, { ...context, signal }, olderThan, options.apply);
		const leftovers = [...objects, ...(await findUnfinished(store, unfinishedIn, olderThan)), ...wal];
		if (!options.apply) return { applied: false, leftovers, freedBytes: 0 };

		for (const [index, { key }] of objects.entries()) {
			throwIfAborted(signal);
			context.progress({ step: 'Removing leftovers', done: index, total: leftovers.length, unit: 'files' });
			await store.remove(key);
		}
		for (const folder of unfinishedIn) {
			throwIfAborted(signal);
			await store.removeUnfinished(folder, olderThan);
		}
		return { applied: true, leftovers, freedBytes: leftovers.reduce((total, { bytes }) => total + bytes, 0) };
	});
}

interface Folder {
	readonly component: Component;
	readonly id: string;
}

async function findBackupFolders(store: Store): Promise<Folder[]> {
	const found: Folder[] = [];
	for (const component of COMPONENTS) {
		for (const id of await store.listFolders(componentFolder(component))) {
			if (backupIdSchema.safeParse(id).success) found.push({ component, id });
		}
	}
	return found;
}

/**
 * The objects in folders without a manifest. `idle` are folders that were there before the locks were listed and that no living
 * lock names: a run takes its lock, makes its folder, writes its manifest and releases the lock, in this order, so what has
 * no manifest now never will.
 */
async function findUnpublished(store: Store, idle: readonly Folder[], olderThan: Date): Promise<Leftover[]> {
	const leftovers: Leftover[] = [];
	for (const { component, id } of idle) {
		if (await store.stat(manifestKey(component, id))) continue;
		const objects = await listAll(store, backupFolder(component, id));
		if (objects.some(({ modifiedAt }) => modifiedAt >= olderThan)) continue;
		leftovers.push(...objects.map(({ key, bytes }) => ({ key, bytes, reason: `backup ${id} was never published, and its run is gone` })));
	}
	return leftovers;
}

async function findUnfinished(store: Store, folders: readonly string[], olderThan: Date): Promise<Leftover[]> {
	const found: Leftover[] = [];
	for (const folder of folders) {
		for await (const { key, bytes, modifiedAt } of store.listUnfinished(folder)) {
			if (modifiedAt < olderThan) found.push({ key, bytes, reason: 'an interrupted write' });
		}
	}
	return found;
}

function describeDead(locks: readonly FoundLock[], lock: Lock, olderThan: Date): Leftover[] {
	return locks
		.filter((found) => isDead(found, lock.storeNow) && found.modifiedAt < olderThan)
		.map(({ key, bytes, record }) => ({
			key,
			bytes,
			reason: record ? `the lock of process ${record.owner.pid} on ${record.owner.host}, which is gone` : 'a lock file that cannot be read',
		}));
}
