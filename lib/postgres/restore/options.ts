import type { BackupChoice } from '../../catalog/find-backup';
import type { VerificationLevel } from '../../catalog/verification';
import type { Store } from '../../storage/store';
import type { PostgresConnection } from '../connection-settings';

/** Where a database is restored to. Same shape as the jobs' `restoreTargetSchema`. */
export interface RestoreTarget {
	readonly mode: 'new' | 'existing' | 'swap';
	readonly database: string;
}

export interface RestoreOptions {
	readonly store: Store;
	readonly connection: PostgresConnection;
	readonly backup: BackupChoice;
	readonly target: RestoreTarget;
	readonly parallelJobs: number;
	readonly minimumVerification: 'none' | VerificationLevel;
	readonly globals: BackupChoice | null;
	readonly dryRun: boolean;
	readonly confirmation: string;
	readonly allowN8nDatabase: boolean;
	readonly lockWaitSeconds: number;
	/** A swap leaves the restored database behind a fence until that is lifted. One around the live database stays in any case. */
	readonly keepClosed?: boolean;
	/** Do nothing where a swap since this moment (ISO 8601) has put this very backup in place: for a run that goes on with a dead one's work. */
	readonly unlessSwappedSince?: string | null;
}
