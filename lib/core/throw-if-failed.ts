import { BackupError } from './errors';
import type { RestoreCheck } from './steps';

/** Turns failed checks into the error of the first one, which also names the others. */
export function throwIfFailed(checks: readonly RestoreCheck[], what: string): void {
	const failed = checks.filter((check) => check.state === 'failed');
	const first = failed[0];
	if (!first) return;
	const others = failed.slice(1).map((check) => check.detail);
	throw new BackupError(first.code ?? 'INVALID_INPUT', [`${what}: ${first.detail}`, ...others].join(' Also: '), first.hint ?? 'Nothing was changed.');
}
