import type { BackupKind, Component } from './component';
import type { VerificationLevel } from './verification';

/** The newest thing known about whether a backup can be restored. */
export interface VerifiedState {
	readonly level: VerificationLevel;
	readonly at: string;
}

/** Another store that holds the same backup. */
export interface KnownCopy {
	/** The store's description; holds no secrets. */
	readonly store: string;
	/** Whether this backup was copied from there, rather than there from here. */
	readonly origin: boolean;
	readonly copiedAt: string;
	/** When every byte of the copy was last read back and found as in the manifest. */
	readonly checkedAt: string;
}

/** What lists, drop-downs and workflow items show of a backup: the manifest without its details. */
export interface BackupSummary {
	readonly id: string;
	readonly component: Component;
	readonly kind: BackupKind;
	/** `damaged`: its newest check failed, or its manifest cannot be read; never chosen as "latest" and never counted as verified. */
	readonly status: 'success' | 'damaged';
	/** Why it is `damaged`. */
	readonly problem?: string;
	/** Since when it is known to be `damaged`, where the failed check tells. */
	readonly problemSince?: string;
	/** The record of its checks cannot be read: it may say that the backup is damaged. */
	readonly checksUnreadable?: true;
	/** Its manifest cannot be read: only `id`, `component`, `kind` and `startedAt` are known, and they come from its place in the store. */
	readonly unreadable?: true;
	readonly source: string;
	readonly startedAt: string;
	readonly finishedAt: string;
	readonly durationSeconds: number;
	readonly sourceBytes: number;
	readonly storedBytes: number;
	readonly store: string;
	readonly files: string[];
	/** Best level reached, or null. */
	readonly verified: VerifiedState | null;
	readonly parent: string | null;
	readonly warnings: string[];
	/** Where else it is, as far as this store knows. A copy may have been deleted there since. */
	readonly copies: KnownCopy[];
}
