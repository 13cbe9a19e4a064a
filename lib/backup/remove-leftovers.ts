import { backupIdSchema } from '../catalog/manifest';
import type { Component } from '../catalog/component';
import { backupFolder, componentFolder, manifestKey } from '../catalog/layout';
import { listAll } from '../storage/list-all';
import type { Store } from '../storage/store';

/** Later than anything in a store. */
const END_OF_TIME = new Date(8.64e15);

/**
 * Removes the folders of `component` that hold no manifest: what runs that died have left. Only for the holder of the
 * component's lock, because then no run of it can be alive.
 * @returns the ids of the backups that never came to be
 */
export async function removeLeftovers(store: Store, component: Component): Promise<string[]> {
	const removed: string[] = [];
	for (const id of await store.listFolders(componentFolder(component))) {
		if (!backupIdSchema.safeParse(id).success) continue;
		if (await store.stat(manifestKey(component, id))) continue;
		await removeBackupFolder(store, component, id);
		removed.push(id);
	}
	return removed;
}

/** Removes everything in a backup's folder. @returns the bytes freed */
export async function removeBackupFolder(store: Store, component: Component, id: string): Promise<number> {
	const folder = backupFolder(component, id);
	const objects = await listAll(store, folder);
	for (const { key } of objects) await store.remove(key);
	let bytes = objects.reduce((total, object) => total + object.bytes, 0);
	for (const unfinished of await store.removeUnfinished(folder, END_OF_TIME)) bytes += unfinished.bytes;
	return bytes;
}
