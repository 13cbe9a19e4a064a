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

export type PlanRetention = (input: {
	readonly backups: readonly BackupSummary[];
	readonly newestRuns: readonly NewestRun[];
	readonly policy: RetentionPolicy;
	readonly now: Date;
	/** Backups that a running job reads or needs; never deleted. */
	readonly inUse: ReadonlySet<string>;
}) => RetentionDecision[];
