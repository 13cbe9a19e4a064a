import type { BackupSummary } from '../../catalog/summary';
import type { CheckResult, StepResult } from '../../core/steps';
import type { LiveDatabase } from './live-database';
import type { TableComparison } from './compare-proof';

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
	/** Nothing was done, because an earlier run has put this very backup in place. */
	readonly alreadyInPlace: boolean;
	/** What is under the live name after a swap; null where nothing was swapped. */
	readonly live: LiveDatabase | null;
}

/** What undoing a swap, dropping what a swap kept, or the dry run of either yields. */
export interface SwapResult {
	readonly dryRun: boolean;
	readonly plan: string[];
	readonly database: string;
	readonly previousDatabase: string | null;
	readonly dropped: string | null;
}
