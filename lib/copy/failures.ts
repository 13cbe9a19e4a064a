import type { Manifest } from '../catalog/manifest';
import { BackupError, type ErrorCode } from '../core/errors';

/** Failures that concern one backup; any other (no connection, no space, cancelled) would meet the next one too. */
const OF_ONE_BACKUP: readonly ErrorCode[] = ['ARTIFACT_DAMAGED', 'BACKUP_NOT_FOUND', 'CHAIN_INCOMPLETE', 'MANIFEST_INVALID', 'MANIFEST_TOO_NEW', 'OBJECT_NOT_FOUND', 'LOCK_HELD'];

/** What could not be copied, so that one bad backup does not keep the good ones from being safe. */
export class BackupFailures {
	private readonly failures: { readonly id: string; readonly error: BackupError }[] = [];

	/** @returns whether `work` succeeded */
	async collect(manifest: Pick<Manifest, 'id'>, work: () => Promise<void>): Promise<boolean> {
		try {
			await work();
			return true;
		} catch (error) {
			if (!(error instanceof BackupError) || !OF_ONE_BACKUP.includes(error.code)) throw error;
			this.failures.push({ id: manifest.id, error });
			return false;
		}
	}

	/** @throws BackupError naming every backup that failed, with the code and the hint of the first */
	throwIfAny(target: string): void {
		const [first] = this.failures;
		if (!first) return;
		const list = this.failures.map(({ id, error }) => `${id}: ${error.message}`).join(' ');
		throw new BackupError(first.error.code, `${this.failures.length === 1 ? 'One backup' : `${this.failures.length} backups`} could not be copied to ${target}; all others were. ${list}`, first.error.hint, {
			cause: first.error,
		});
	}
}
