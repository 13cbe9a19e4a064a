import type { BackupSummary } from '../../catalog/summary';
import type { ErrorCode } from '../../core/errors';
import type { TableComparison } from './compare-proof';

/** One precondition and whether it holds. `hint` says what to do where it does not. */
export interface CheckResult {
	readonly check: string;
	readonly state: 'passed' | 'warning' | 'failed';
	readonly detail: string;
	readonly hint?: string;
}

/** A check with the code of the error that it becomes where it fails. */
export interface RestoreCheck extends CheckResult {
	readonly code?: ErrorCode;
}

/** A finished step of a longer job, for tables that people read. */
export interface StepResult {
	readonly step: string;
	readonly seconds: number;
	readonly detail: string;
}

/** What a restore, or its dry run, yields. */
export interface RestoreResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	/** The database that now holds the restored data. */
	readonly database: string;
	/** The one that was live before a swap, kept under this name. */
	readonly previousDatabase: string | null;
	readonly checks: CheckResult[];
	/** What a dry run would do, in order; empty otherwise. */
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
	/** Milliseconds during which no client could connect to the live name; null where nothing was swapped. */
	readonly outageMilliseconds: number | null;
	readonly warnings: string[];
}

/** What undoing a swap, dropping what a swap kept, or the dry run of either yields. */
export interface SwapResult {
	readonly dryRun: boolean;
	readonly plan: string[];
	readonly database: string;
	readonly previousDatabase: string | null;
	readonly dropped: string | null;
}
