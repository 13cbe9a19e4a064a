import type { BackupKind } from '../catalog/component';
import { listBackups } from '../catalog/list-backups';
import type { Store } from '../storage/store';

/**
 * About how many bytes a backup will take in the store: as many as the newest of the same kind and source did, so that a store
 * without room for it says so before hours of work. undefined where there is none: nobody can tell how well data compresses.
 */
export async function expectedStoredBytes(store: Store, kind: BackupKind, source: string): Promise<number | undefined> {
	const [newest] = await listBackups(store, { component: 'postgres', kinds: [kind], source, limit: 1 });
	return newest?.status === 'success' ? newest.storedBytes : undefined;
}
