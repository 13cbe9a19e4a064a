import type { Store, StoredObject } from './store';

/** All objects below `prefix` at once, for folders known to be small, such as one backup's. */
export async function listAll(store: Store, prefix: string): Promise<StoredObject[]> {
	const objects: StoredObject[] = [];
	for await (const object of store.list(prefix)) objects.push(object);
	return objects;
}
