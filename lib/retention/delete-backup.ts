import { useLockName } from '../catalog/use-lock';
import { backupFolder, manifestKey } from '../catalog/layout';
import type { BackupSummary } from '../catalog/summary';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { listAll } from '../storage/list-all';
import type { Store } from '../storage/store';

export type Deletion = { readonly deleted: true; readonly bytes: number } | { readonly deleted: false; readonly reason: string };

/**
 * Deletes one backup unless somebody reads it. The manifest goes first: from then on the backup does not exist, and whatever
 * an interruption leaves of it is an unpublished leftover that the next run or clean-up removes.
 */
export async function deleteBackup(store: Store, context: JobContext, backup: BackupSummary): Promise<Deletion> {
	const request = {
		name: useLockName(backup.id),
		mode: 'exclusive' as const,
		purpose: `deleting backup ${backup.id}`,
		backupId: backup.id,
		waitSeconds: 0,
	};
	try {
		return await withLock(store, context, request, async (lock) => {
			const objects = await listAll(store, backupFolder(backup.component, backup.id));
			await lock.stillHeld();
			await store.remove(manifestKey(backup.component, backup.id));
			for (const { key } of objects) await store.remove(key);
			return { deleted: true, bytes: objects.reduce((total, { bytes }) => total + bytes, 0) };
		});
	} catch (error) {
		if (error instanceof BackupError && error.code === 'LOCK_HELD') return { deleted: false, reason: `in use: ${error.message}` };
		throw error;
	}
}
