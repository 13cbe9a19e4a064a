import { readManifest } from '../catalog/read-manifest';
import type { Manifest } from '../catalog/manifest';
import { useLockName } from '../catalog/use-lock';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';

const WAIT_SECONDS = 30;

/**
 * Runs `body` while pruning leaves the backup alone.
 * @throws BackupError `BACKUP_NOT_FOUND` when it was deleted meanwhile; `LOCK_HELD` while it is being deleted
 */
export async function withBackupInUse<T>(
	store: Store,
	context: JobContext,
	manifest: Pick<Manifest, 'component' | 'id'>,
	body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const request = {
		name: useLockName(manifest.id),
		mode: 'shared' as const,
		purpose: `reading backup ${manifest.id}`,
		backupId: manifest.id,
		waitSeconds: WAIT_SECONDS,
	};
	return await withLock(store, context, request, async (_lock, signal) => {
		// It may have been deleted between the moment it was chosen and the moment it was locked.
		if (!(await readManifest(store, manifest.component, manifest.id, signal))) {
			throw new BackupError('BACKUP_NOT_FOUND', `Backup ${manifest.id} was deleted just now.`, 'List the backups again and choose another one.');
		}
		return await body(signal);
	});
}
