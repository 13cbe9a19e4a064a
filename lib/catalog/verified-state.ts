import type { VerifiedState } from './summary';
import { VERIFICATION_LEVELS, type VerificationCheck } from './verification';

export interface VerificationOutcome {
	/** Best level among the passed checks. */
	readonly verified: VerifiedState | null;
	/** The failed check that still stands. */
	readonly failure: VerificationCheck | undefined;
}

/**
 * What the checks of a backup, oldest first, say together. A failed check stands until one of the same or a higher level
 * passes after it: matching bytes do not make up for a restore that failed.
 */
export function judgeChecks(checks: readonly VerificationCheck[]): VerificationOutcome {
	let best: VerificationCheck | undefined;
	let failure: VerificationCheck | undefined;
	for (const check of checks) {
		if (!check.passed) {
			failure = check;
			continue;
		}
		if (failure && rank(check) >= rank(failure)) failure = undefined;
		if (!best || rank(check) >= rank(best)) best = check;
	}
	return { verified: best ? { level: best.level, at: best.at } : null, failure };
}

function rank(check: VerificationCheck): number {
	return VERIFICATION_LEVELS.indexOf(check.level);
}
