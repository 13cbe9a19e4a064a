import type { Store } from '../storage/store';
import type { BackupKind, Component } from './component';
import { backupFolder, COPIES_NAME, VERIFICATION_NAME } from './layout';
import { listBackups } from './list-backups';

/** Whether somebody with the keys of the store could delete or overwrite a backup now. */
export interface LockState {
	readonly backup: string;
	readonly component: Component;
	readonly kind: BackupKind;
	readonly startedAt: string;
	/** `some`: a part could be deleted, so the backup could be made useless. */
	readonly locked: 'all' | 'some' | 'none';
	/** When the first of its objects comes free; null: nothing is locked, or only lifting a legal hold frees it. */
	readonly lockedUntil: string | null;
	readonly objects: number;
	/** Keys that could be deleted; the first few. */
	readonly unlocked: readonly string[];
}

export interface LockStates {
	readonly store: string;
	/** How many backups are locked in every part. */
	readonly lockedBackups: number;
	readonly backups: readonly LockState[];
}

/** Written anew by checks and copies, so a store never locks them; the backup is whole without. */
const REWRITTEN: readonly string[] = [VERIFICATION_NAME, COPIES_NAME];
const NAMED = 5;
const PARALLEL = 8;

/** Asks the store of every object of the newest `limit` backups what keeps it from being deleted. */
export async function readLockStates(store: Store, limit: number, signal: AbortSignal): Promise<LockStates> {
	const backups: LockState[] = [];
	for (const { id, component, kind, startedAt } of await listBackups(store, { limit })) {
		signal.throwIfAborted();
		const folder = backupFolder(component, id);
		const keys: string[] = [];
		for await (const { key } of store.list(folder)) if (!REWRITTEN.includes(key.slice(folder.length))) keys.push(key);
		const unlocked: string[] = [];
		const ends: number[] = [];
		for (let at = 0; at < keys.length; at += PARALLEL) {
			const batch = keys.slice(at, at + PARALLEL);
			for (const { key, protection } of await Promise.all(batch.map(async (key) => ({ key, protection: await store.protection(key) })))) {
				if (!protection) unlocked.push(key);
				else if (protection.until) ends.push(protection.until.getTime());
			}
		}
		const locked = keys.length > 0 && unlocked.length === 0 ? 'all' : unlocked.length === keys.length ? 'none' : 'some';
		const lockedUntil = ends.length === 0 ? null : new Date(ends.reduce((first, end) => Math.min(first, end))).toISOString();
		backups.push({ backup: id, component, kind, startedAt, locked, lockedUntil, objects: keys.length, unlocked: unlocked.sort().slice(0, NAMED) });
	}
	return { store: store.description, lockedBackups: backups.filter(({ locked }) => locked === 'all').length, backups };
}
