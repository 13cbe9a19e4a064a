import { performance } from 'node:perf_hooks';
import type { Manifest } from '../catalog/manifest';
import { recordVerification } from '../catalog/record-verification';
import type { VerificationLevel } from '../catalog/verification';
import type { JobContext } from '../core/context';
import { BackupError, type ErrorCode } from '../core/errors';
import type { StepRecorder } from '../core/steps';
import type { TableComparison } from '../postgres/restore/compare-proof';
import type { Store } from '../storage/store';
import type { VerifyResult } from './result';

/** Failures that speak against the backup. All others (no connection, a missing role, no space, a server that was killed, …) say nothing about it, and are not recorded. */
const AGAINST_THE_BACKUP: readonly ErrorCode[] = ['ARTIFACT_DAMAGED', 'ARCHIVE_REFUSED', 'CHAIN_INCOMPLETE', 'PROOF_MISMATCH', 'RESTORE_FAILED'];

const LONGEST_DETAIL = 2000;

export interface CheckRequest {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly level: VerificationLevel;
	readonly steps: StepRecorder;
}

/** Runs a check of a backup and writes into the catalog how it ended; one that fails is thrown as well. */
export async function recordedCheck(
	request: CheckRequest,
	context: JobContext,
	body: () => Promise<{ readonly detail: string; readonly comparison: TableComparison[] }>,
): Promise<VerifyResult> {
	const { store, manifest, level, steps } = request;
	const startedAt = performance.now();
	const seconds = () => Math.round(performance.now() - startedAt) / 1000;
	try {
		const { detail, comparison } = await body();
		const check = { level, at: context.now().toISOString(), durationSeconds: seconds(), detail };
		const backup = await recordVerification(store, context, manifest, { ...check, passed: true });
		return { ...check, passed: true, backup, steps: steps.steps, comparison };
	} catch (error) {
		if (error instanceof BackupError && AGAINST_THE_BACKUP.includes(error.code)) {
			const detail = error.message.slice(0, LONGEST_DETAIL);
			await recordVerification(store, context, manifest, { level, passed: false, at: context.now().toISOString(), durationSeconds: seconds(), detail });
		}
		throw error;
	}
}
