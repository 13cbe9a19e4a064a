import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import type { Store } from '../storage/store';
import { WAL_FOLDER } from './layout';
import { withLock } from './with-lock';

export interface WalLeftover {
	readonly key: string;
	readonly bytes: number;
	readonly reason: string;
}

/**
 * Objects of the WAL archive whose record was never written: what an interrupted run left. All is done under the lock of whoever writes
 * into that server's archive, because archiving a segment again puts it under the very same name; while somebody does, its archive is passed over.
 * @param apply false: only find them
 */
export async function cleanUpWal(store: Store, context: JobContext, olderThan: Date, apply: boolean): Promise<WalLeftover[]> {
	const all: WalLeftover[] = [];
	for (const server of await store.listFolders(WAL_FOLDER)) {
		const request = { name: `wal-${server}`, mode: 'exclusive' as const, purpose: 'cleaning up the WAL archive', waitSeconds: 0 };
		try {
			await withLock(store, context, request, async (lock, signal) => {
				const found = await findLeftovers(store, server, olderThan);
				for (const { key } of apply ? found : []) {
					throwIfAborted(signal);
					await lock.stillHeld();
					await store.remove(key);
				}
				all.push(...found);
			});
		} catch (error) {
			if (!(error instanceof BackupError) || error.code !== 'LOCK_HELD') throw error;
		}
	}
	return all;
}

async function findLeftovers(store: Store, server: string, olderThan: Date): Promise<WalLeftover[]> {
	const records = new Set<string>();
	const objects: { key: string; bytes: number; name: string }[] = [];
	for await (const { key, bytes, modifiedAt } of store.list(`${WAL_FOLDER}${server}/`)) {
		if (key.endsWith('.json')) records.add(key.slice(0, -'.json'.length));
		const [, name] = /^(.*)\.zst(?:\.age)?$/.exec(key) ?? [];
		if (name !== undefined && modifiedAt < olderThan) objects.push({ key, bytes, name });
	}
	return objects.flatMap(({ key, bytes, name }) => (records.has(name) ? [] : [{ key, bytes, reason: 'WAL whose record was never written' }]));
}
