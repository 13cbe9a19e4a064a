import type { BackupSummary } from '../../catalog/summary';
import type { ErrorCode } from '../../core/errors';
import type { TableComparison } from './compare-proof';

/** One precondition and whether it holds. Same shape as the jobs' `CheckResult`. */
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

/** Same shape as the jobs' `StepResult`. */
export interface StepResult {
	readonly step: string;
	readonly seconds: number;
	readonly detail: string;
}

/** Same shape as the jobs' `RestoreResult`. */
export interface RestoreResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	readonly database: string;
	readonly previousDatabase: string | null;
	readonly checks: CheckResult[];
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
	readonly outageMilliseconds: number | null;
	readonly warnings: string[];
}

/** Same shape as the jobs' `SwapResult`. */
export interface SwapResult {
	readonly dryRun: boolean;
	readonly plan: string[];
	readonly database: string;
	readonly previousDatabase: string | null;
	readonly dropped: string | null;
}
