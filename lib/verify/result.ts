import type { BackupSummary } from '../catalog/summary';
import type { VerificationLevel } from '../catalog/verification';
import type { TableComparison } from '../postgres/restore/compare-proof';
import type { StepResult } from '../core/steps';

/** What a check that passed yields; one that fails throws. */
export interface VerifyResult {
	readonly backup: BackupSummary;
	readonly level: VerificationLevel;
	readonly passed: true;
	readonly at: string;
	readonly durationSeconds: number;
	readonly detail: string;
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
}
