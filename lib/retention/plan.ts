import type { Component } from '../catalog/component';
import type { BackupSummary } from '../catalog/summary';
import type { RetentionPolicy } from './policy';

/** How the newest run of a series ended. A run whose process died counts as failed. */
export interface NewestRun {
	readonly series: string;
	readonly outcome: 'success' | 'failed' | 'running';
	readonly at: string;
}

export interface RetentionDecision {
	readonly id: string;
	readonly series: string;
	readonly action: 'keep' | 'delete';
	/** At least one, in plain English: every rule that keeps it, or why nothing does. */
	readonly reasons: string[];
}

/** A recovery point of which nothing is missing: all its members are in the store and undamaged. */
export interface CompleteRecoveryPoint {
	readonly id: string;
	readonly members: readonly { readonly component: Component; readonly backup: string }[];
}

export type PlanRetention = (input: {
	readonly backups: readonly BackupSummary[];
	readonly newestRuns: readonly NewestRun[];
	readonly policy: RetentionPolicy;
	readonly now: Date;
	/** Backups that a running job reads or needs; never deleted. */
	readonly inUse: ReadonlySet<string>;
	/** Base backups with which a window of WAL begins, each with the reason (`windowBases`). */
	readonly windowBases?: ReadonlyMap<string, string>;
	/** Only the complete ones; in any order. */
	readonly recoveryPoints?: readonly CompleteRecoveryPoint[];
}) => RetentionDecision[];
