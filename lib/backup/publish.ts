import { newBackupId } from '../catalog/backup-id';
import { artifactKey, manifestKey } from '../catalog/layout';
import { type LastRun, readLastRun, recordedError, writeLastRun } from '../catalog/last-run';
import type { Lock } from '../catalog/locks';
import type { Manifest } from '../catalog/manifest';
import { sealManifest } from '../catalog/manifest-digest';
import { appendToHistory, diedRun, pastRun } from '../catalog/run-history';
import { seriesOf } from '../catalog/series';
import { writeSmallObject } from '../catalog/small-object';
import { withLock } from '../catalog/with-lock';
import { abortError } from '../core/abortable';
import { BackupError, throwIfAborted, toBackupError } from '../core/errors';
import { createdBy } from './created-by';
import type { BackupDraft, DraftOutcome, PublishBackup, PublishOptions } from './draft';
import { removeBackupFolder, removeLeftovers } from './remove-leftovers';
import { DraftWriter } from './write-draft';

/** How long the clean-up after a failure may take; the job itself may have been cancelled already. */
const CLEAN_UP_MS = 60_000;

const NOT_ENCRYPTED = 'It holds secrets and is not encrypted: whoever can read the store can read them.';

/** See `PublishBackup`. */
export const publishBackup: PublishBackup = async (options, write) => {
	const { store, context, component } = options;
	requireEncryption(options);
	const request = {
		name: component,
		mode: 'exclusive' as const,
		purpose: `backing up ${options.sourceName} (${component}, ${options.kind})`,
		waitSeconds: options.lockWaitSeconds,
	};
	return await withLock(store, context, request, async (lock, signal) => await publishUnderLock(options, write, lock, signal));
};

/** Before anything is touched. */
function requireEncryption({ context, component, kind, encryptionPolicy }: PublishOptions): void {
	if (encryptionPolicy !== 'required' || context.keys.encryption) return;
	throw new BackupError(
		'ENCRYPTION_REQUIRED',
		`A backup of ${component} (${kind}) holds secrets, and no key to encrypt it with was given.`,
		'Give the node a "Backup Encryption" credential with the public key of your age identity or a passphrase, or turn on "Allow Unencrypted" if the store itself is safe enough. Nothing was touched.',
	);
}

async function publishUnderLock(
	options: PublishOptions,
	write: (draft: BackupDraft) => Promise<DraftOutcome>,
	lock: Lock,
	signal: AbortSignal,
): Promise<Manifest> {
	const { store, context, component, kind } = options;
	const startedAt = context.now();
	const startedTicks = performance.now();
	const id = newBackupId(startedAt, kind, (bytes) => context.randomBytes(bytes));
	const run: LastRun = {
		formatVersion: 1,
		component,
		kind,
		source: options.sourceName,
		backupId: id,
		outcome: 'running',
		startedAt: startedAt.toISOString(),
		finishedAt: null,
		error: null,
	};
	const draft = new DraftWriter(store, component, id, context.keys.encryption, signal);
	if (options.encryptionPolicy === 'waived' && !context.keys.encryption) draft.warn(NOT_ENCRYPTED);
	let manifest: Manifest;
	try {
		await lock.attach(id);
		await recordDeath(options, run, signal);
		await writeLastRun(store, run, signal);
		for (const leftover of await removeLeftovers(store, component)) {
			context.progress({ step: `Warning: removed what the unfinished run ${leftover} had left behind` });
		}
		const outcome = await write(draft);
		throwIfAborted(signal);
		if (draft.artifacts.length === 0) {
			throw new BackupError('INTERNAL', `The backup of ${options.sourceName} wrote nothing.`, 'This is an error of the package. Report it with the message above.');
		}
		await draft.writeInstructions(outcome.instructions);
		manifest = sealManifest({
			formatVersion: 1,
			id,
			component,
			kind,
			status: 'success',
			startedAt: startedAt.toISOString(),
			finishedAt: context.now().toISOString(),
			durationSeconds: Math.round(performance.now() - startedTicks) / 1000,
			createdBy: createdBy(),
			source: outcome.source,
			parent: outcome.parent ?? null,
			sourceBytes: sum(draft.artifacts.map((artifact) => artifact.sourceBytes)),
			storedBytes: sum(draft.artifacts.map((artifact) => artifact.storedBytes)),
			artifacts: draft.artifacts,
			warnings: draft.warnings,
			...(options.note !== undefined && { note: options.note }),
			...(outcome.postgres !== undefined && { postgres: outcome.postgres }),
			...(outcome.basebackup !== undefined && { basebackup: outcome.basebackup }),
			...(outcome.redis !== undefined && { redis: outcome.redis }),
			...(outcome.files !== undefined && { files: outcome.files }),
			...(outcome.n8n !== undefined && { n8n: outcome.n8n }),
		});
		await lock.stillHeld();
		await publishManifest(options, manifest, lock, signal);
	} catch (caught) {
		const error = signal.aborted ? abortError(signal) : toBackupError(caught);
		await draft.abandon(error);
		await undo(options, { ...run, outcome: 'failed', finishedAt: context.now().toISOString(), error: recordedError(error.toJSON()) });
		throw error;
	}
	await report(options, 'the run could not be recorded as successful', async () =>
		writeLastRun(store, { ...run, outcome: 'success', finishedAt: manifest.finishedAt }, AbortSignal.timeout(CLEAN_UP_MS)),
	);
	await report(options, 'the run could not be added to the history', async () => {
		throwIfAborted(lock.signal);
		await appendToHistory(store, run, pastRun({ ...run, outcome: 'success', finishedAt: manifest.finishedAt }, manifest), AbortSignal.timeout(CLEAN_UP_MS));
	});
	return manifest;
}

/**
 * Writes the manifest, the moment in which the backup comes to be. A holder that stood still just before may have been taken
 * for dead and its artifacts for leftovers: so they are looked for once more, and without them the manifest goes again.
 */
async function publishManifest({ store, component }: PublishOptions, manifest: Manifest, lock: Lock, signal: AbortSignal): Promise<void> {
	await writeSmallObject(store, manifestKey(component, manifest.id), manifest, { signal, immutable: true });
	for (const artifact of manifest.artifacts) {
		const found = await store.stat(artifactKey(component, manifest.id, artifact.name));
		if (found?.bytes === artifact.storedBytes) continue;
		throw new BackupError(
			'LOCK_LOST',
			`${artifact.name} of backup ${manifest.id} vanished from the store before the backup was complete.`,
			'Somebody else works in the same folder of the store, or this machine stood still for more than a minute. Run the job again.',
		);
	}
	throwIfAborted(lock.signal);
}

/** Removes what was written, manifest first so that nothing half-made is ever listed, and records the failure. */
async function undo(options: PublishOptions, failed: LastRun & { readonly outcome: 'failed' }): Promise<void> {
	const { store, component } = options;
	const id = failed.backupId;
	await report(options, `the files of ${id} could not be removed; the next run removes them`, async () => {
		await store.remove(manifestKey(component, id));
		await removeBackupFolder(store, component, id);
	});
	await report(options, 'the failed run could not be recorded', async () => {
		// After a lost lock another run may have come and gone: its record is newer than ours.
		const recorded = await readLastRun(store, seriesOf(failed));
		if (recorded && recorded.startedAt > failed.startedAt) return;
		await writeLastRun(store, failed, AbortSignal.timeout(CLEAN_UP_MS));
		await appendToHistory(store, failed, pastRun(failed), AbortSignal.timeout(CLEAN_UP_MS));
	});
}

/** The one before that is still recorded as running died: this one has the lock. It told nobody, and its record is about to be replaced. */
async function recordDeath(options: PublishOptions, run: LastRun, signal: AbortSignal): Promise<void> {
	await report(options, 'the run before this one, which died, could not be added to the history', async () => {
		const before = await readLastRun(options.store, seriesOf(run));
		if (before?.outcome === 'running') await appendToHistory(options.store, before, diedRun(before), signal);
	});
}

/** Work that must not hide the outcome of the backup itself: its failure is shown, not thrown. */
async function report({ context }: PublishOptions, problem: string, work: () => Promise<void>): Promise<void> {
	try {
		await work();
	} catch (error) {
		context.progress({ step: `Warning: ${problem}: ${toBackupError(error).message}` });
	}
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
