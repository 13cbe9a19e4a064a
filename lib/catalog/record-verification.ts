import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { readCopies } from './copies';
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
export async function recordVerification(store: Store, context: RecordContext, manifest: Manifest, check: VerificationCheck): Promise<BackupSummary> {
	return await changeChecks(store, context, manifest, `recording a check of backup ${manifest.id}`, (known) => [...known, check]);
}

/**
 * Takes over the checks that another store has recorded of the same bytes. Once this store has recorded some itself, only passed
 * ones are taken, and none after one has failed here: a failure elsewhere, or a success elsewhere, says nothing of damage to this copy.
 */
export async function adoptVerification(store: Store, context: RecordContext, manifest: Manifest, checks: readonly VerificationCheck[]): Promise<BackupSummary> {
	return await changeChecks(store, context, manifest, `recording the checks of backup ${manifest.id}`, (known) => {
		if (known.length === 0) return checks;
		if (known.some((check) => !check.passed)) return known;
		const news = checks.filter((check) => check.passed && !known.some((each) => each.level === check.level && each.at === check.at));
		return [...known, ...news].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
	});
}

type RecordContext = Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'progress'>;

async function changeChecks(
	store: Store,
	context: RecordContext,
	manifest: Manifest,
	purpose: string,
	change: (known: readonly VerificationCheck[]) => readonly VerificationCheck[],
): Promise<BackupSummary> {
	const request = {
		name: `verification.${manifest.id}`,
		mode: 'exclusive' as const,
		purpose,
		backupId: manifest.id,
		waitSeconds: WAIT_SECONDS,
	};
	return await withLock(store, context, request, async (_lock, signal) => {
		const before = await readVerification(store, manifest.component, manifest.id);
		const verification: Verification = {
			...before,
			formatVersion: 1,
			backup: manifest.id,
			checks: newestChecks(change(before?.checks ?? [])),
		};
		await writeSmallObject(store, verificationKey(manifest.component, manifest.id), verification, { signal });
		return summarize(manifest, verification, store.description, await readCopies(store, manifest.component, manifest.id));
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
