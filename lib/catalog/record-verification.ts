import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { verificationKey } from './layout';
import type { Manifest } from './manifest';
import { readVerification } from './read-verification';
import { writeSmallObject } from './small-object';
import { summarize } from './summarize';
import type { BackupSummary } from './summary';
import { VERIFICATION_LEVELS, type Verification, type VerificationCheck } from './verification';
import { withLock } from './with-lock';

const KEEP_NEWEST = 50;
const WAIT_SECONDS = 60;

/** Adds a check, passed or failed, to what is known of a backup. @returns the backup as it stands now */
export async function recordVerification(
	store: Store,
	context: Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'progress'>,
	manifest: Manifest,
	check: VerificationCheck,
): Promise<BackupSummary> {
	const request = {
		name: `verification.${manifest.id}`,
		mode: 'exclusive' as const,
		purpose: `recording a check of backup ${manifest.id}`,
		backupId: manifest.id,
		waitSeconds: WAIT_SECONDS,
	};
	return await withLock(store, context, request, async (_lock, signal) => {
		const before = await readVerification(store, manifest.component, manifest.id);
		const verification: Verification = {
			...before,
			formatVersion: 1,
			backup: manifest.id,
			checks: newestChecks([...(before?.checks ?? []), check]),
		};
		await writeSmallObject(store, verificationKey(manifest.component, manifest.id), verification, { signal });
		return summarize(manifest, verification, store.description);
	});
}

/** The newest ones, and of each level the newest that passed and the newest that failed, however old: they decide what the backup is worth. */
function newestChecks(checks: readonly VerificationCheck[]): VerificationCheck[] {
	const keep = new Set(checks.slice(-KEEP_NEWEST));
	for (const level of VERIFICATION_LEVELS) {
		for (const passed of [true, false]) {
			const newest = checks.findLast((check) => check.level === level && check.passed === passed);
			if (newest) keep.add(newest);
		}
	}
	return checks.filter((check) => keep.has(check));
}
