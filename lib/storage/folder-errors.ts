import { BackupError } from '../core/errors';

/** Turns an error of the file system into one that a person can act on. `doing` completes "… failed", e.g. `Writing backups/a`. */
export function mapFileError(error: unknown, storeDescription: string, doing: string): BackupError {
	if (error instanceof BackupError) return error;
	const code = codeOf(error);
	const where = `${doing} in the store (${storeDescription}) failed`;
	switch (code) {
		case 'ENOSPC':
		case 'EDQUOT':
		case 'EFBIG':
			return new BackupError(
				'STORE_FULL',
				`${where}: ${code === 'EFBIG' ? 'the file system does not allow files that large' : 'no space is left'}.`,
				'Free space on the disk, delete old backups with Backup Catalog: Prune, or use a larger store. Earlier backups are untouched.',
				{ cause: error },
			);
		case 'EACCES':
		case 'EPERM':
		case 'EROFS':
			return new BackupError(
				'STORE_NOT_WRITABLE',
				`${where}: ${code === 'EROFS' ? 'the file system is read-only' : 'permission denied'}.`,
				'Give the user that runs n8n (in the official image: node, uid 1000) read and write access to the folder, or mount it writable.',
				{ cause: error },
			);
		case 'ELOOP':
			return new BackupError(
				'PATH_REFUSED',
				`${where}: there is a symbolic link in its place.`,
				'The store follows no links. Replace the link by the real file or folder.',
				{ cause: error },
			);
		default:
			return new BackupError(
				'STORE_UNAVAILABLE',
				`${where}: ${(error as Error | undefined)?.message ?? String(error)}.`,
				'Check that the disk is mounted and healthy, then run the job again.',
				{ cause: error },
			);
	}
}

/** Whether `error` is the file system's error with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
	return codes.includes(codeOf(error));
}

function codeOf(error: unknown): string {
	return (error as NodeJS.ErrnoException | undefined)?.code ?? '';
}
