import { artifactKey, copiesKey, manifestKey } from '../catalog/layout';
import type { Component } from '../catalog/component';
import { readCopies, recordCopy } from '../catalog/copies';
import { readEntry, readSummary } from '../catalog/list-backups';
import { findLocks } from '../catalog/lock-record';
import { ownIdentity } from '../catalog/lock-owner';
import type { Lock, LockRequest } from '../catalog/locks';
import type { Manifest } from '../catalog/manifest';
import { parseManifest } from '../catalog/parse-manifest';
import { isManifestError } from '../catalog/read-manifest';
import { once, readSmallObject, writeSmallObject } from '../catalog/small-object';
import { readVerification } from '../catalog/read-verification';
import { adoptVerification } from '../catalog/record-verification';
import type { BackupSummary } from '../catalog/summary';
import { withLock } from '../catalog/with-lock';
import { withBackupInUse } from '../backup/use-backup';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import type { Store } from '../storage/store';
import { copyObject, isIntact, type ObjectCopy } from './copy-object';

export interface CopyOptions {
	readonly source: Store;
	readonly target: Store;
	/** Read every byte of a copy that is there already, and copy again what is damaged. */
	readonly recheck: boolean;
	/** How long to wait in the target for another run of the component. */
	readonly lockWaitSeconds: number;
}

export interface CopiedBackup {
	/** As the target lists it. */
	readonly backup: BackupSummary;
	/** `present`: a whole copy was there before. `repaired`: one was there, and files of it were missing or damaged. */
	readonly outcome: 'copied' | 'repaired' | 'present';
	readonly copiedBytes: number;
	/** Bytes that an interrupted copy had brought already; they were read and compared. */
	readonly reusedBytes: number;
}

/** A backup's manifest with the very bytes it was read from. */
interface Original {
	readonly manifest: Manifest;
	readonly text: string;
}

type Place = Pick<Manifest, 'component' | 'id'>;

/**
 * Brings one backup into another store: artifacts first, each read back, the manifest last and byte for byte the same. Nothing is
 * decrypted, so no key is needed. The source's copy is kept from pruning meanwhile; in the target the component's lock is held, as
 * a backup does, because a folder without a manifest is what other runs of the component take for a leftover. What an
 * interrupted copy brought stays there, unseen, and is used by the next one.
 * @throws BackupError `BACKUP_NOT_FOUND`, `ARTIFACT_DAMAGED`, `LOCK_HELD`, the stores' errors
 */
export async function copyBackup(options: CopyOptions, place: Place, context: JobContext): Promise<CopiedBackup> {
	const { source, target } = options;
	return await withBackupInUse(source, context, place, async (inUse) => {
		const original = await readOriginal(source, place, inUse);
		const request: LockRequest = {
			name: place.component,
			mode: 'exclusive',
			purpose: `copying backup ${place.id} here from ${source.description}`,
			backupId: place.id,
			waitSeconds: options.lockWaitSeconds,
		};
		const held = { ...context, signal: inUse };
		const copied = await withLock(target, held, request, async (lock, signal) => {
			await refuseSameStore(source, request);
			return await withParentKept(options, original.manifest, { ...context, signal }, async (kept) => await bringOver(options, original, lock, { ...context, signal: kept }));
		});
		await recordCopy(source, held, place, { store: target.description, origin: false, ...copied.times });
		const { times: _, ...outcome } = copied;
		return { ...outcome, backup: await readSummary(target, original.manifest) };
	});
}

/**
 * Looks, without taking any lock, whether there is nothing left to do for a backup: both stores know of the whole copy, and the
 * target knows what was last proven. A store of a thousand backups is then compared in moments.
 */
export async function findWholeCopy({ source, target, recheck }: CopyOptions, place: Place): Promise<CopiedBackup | undefined> {
	if (recheck) return undefined;
	const [original, copy] = await Promise.all([readEntry(source, place), readEntry(target, place)]);
	if (!original?.manifest || !copy?.manifest || copy.manifest.digest !== original.manifest.digest || copy.summary.status === 'damaged') return undefined;
	if (!original.summary.copies.some(({ store }) => store === target.description)) return undefined;
	const proven = original.summary.verified;
	if (proven !== null && (copy.summary.verified === null || Date.parse(copy.summary.verified.at) < Date.parse(proven.at))) return undefined;
	if (!(await hasAllSizes(target, original.manifest))) return undefined;
	return { backup: copy.summary, outcome: 'present', copiedBytes: 0, reusedBytes: 0 };
}

interface BroughtOver extends Omit<CopiedBackup, 'backup'> {
	readonly times: { readonly copiedAt: string; readonly checkedAt: string };
}

async function bringOver(options: CopyOptions, original: Original, lock: Lock, context: JobContext): Promise<BroughtOver> {
	const { source, target } = options;
	const { manifest, text } = original;
	const published = await findPublished(target, original, context.signal);
	const whole = published === 'same' && (options.recheck ? await isWhole(target, manifest, context) : await hasAllSizes(target, manifest));
	const now = context.now().toISOString();
	if (whole) {
		await takeChecksAlong(options, manifest, context);
		const copiedAt = (await readCopies(target, manifest.component, manifest.id))?.copies.find(({ store }) => store === source.description)?.copiedAt ?? manifest.finishedAt;
		// A manifest is there only after every byte was read back.
		return { outcome: 'present', copiedBytes: 0, reusedBytes: 0, times: { copiedAt, checkedAt: options.recheck ? now : copiedAt } };
	}

	let copiedBytes = 0;
	let reusedBytes = 0;
	for (const copy of objectsOf(source, target, manifest, context)) {
		throwIfAborted(context.signal);
		if ((await copyObject(copy)) === 'copied') copiedBytes += copy.bytes;
		else reusedBytes += copy.bytes;
	}
	const finishedAt = context.now().toISOString();
	const times = { copiedAt: finishedAt, checkedAt: finishedAt };
	await takeChecksAlong(options, manifest, context);
	await writeSmallObject(target, copiesKey(manifest.component, manifest.id), await originRecord(options, manifest, times), { signal: context.signal });
	await lock.stillHeld();
	await publish(target, manifest, text, published !== 'none', lock, context.signal);
	return { outcome: published === 'none' ? 'copied' : 'repaired', copiedBytes, reusedBytes, times };
}

/** The copy comes to be in this moment. As with a new backup, its files are looked for once more (see `publishBackup`). */
async function publish(target: Store, manifest: Manifest, text: string, replaced: boolean, lock: Lock, signal: AbortSignal): Promise<void> {
	const key = manifestKey(manifest.component, manifest.id);
	await target.put(key, once(Buffer.from(text)), { signal, immutable: true });
	const back = await readSmallObject(target, key, signal);
	if (back === text && (await hasAllSizes(target, manifest))) {
		throwIfAborted(lock.signal);
		return;
	}
	if (!replaced) await target.remove(key);
	throw new BackupError(
		'LOCK_LOST',
		`Files of backup ${manifest.id} vanished from the target store (${target.description}) before the copy was complete.`,
		'Somebody else works in the same folder of the store, or this machine stood still for more than a minute. Run the job again: it goes on where it stopped.',
	);
}

/** What the target has under this id. @throws BackupError when it is another backup, or one of a newer format */
async function findPublished(target: Store, { manifest, text }: Original, signal: AbortSignal): Promise<'none' | 'same' | 'unreadable'> {
	const there = await readSmallObject(target, manifestKey(manifest.component, manifest.id), signal);
	if (there === undefined) return 'none';
	if (there === text) return 'same';
	try {
		if (parseManifest(there, manifest).digest === manifest.digest) return 'same';
	} catch (error) {
		if (isManifestError(error) && error.code === 'MANIFEST_INVALID') return 'unreadable';
		throw error;
	}
	throw new BackupError(
		'MANIFEST_INVALID',
		`The target store (${target.description}) holds another backup with the id ${manifest.id}.`,
		'Ids are random, so one of the two was changed by hand. Compare both, and move one away. Nothing was overwritten.',
	);
}

async function hasAllSizes(target: Store, manifest: Manifest): Promise<boolean> {
	for (const artifact of manifest.artifacts) {
		const found = await target.stat(artifactKey(manifest.component, manifest.id, artifact.name));
		if (found?.bytes !== artifact.storedBytes) return false;
	}
	return true;
}

async function isWhole(target: Store, manifest: Manifest, context: JobContext): Promise<boolean> {
	for (const copy of objectsOf(target, target, manifest, context)) if (!(await isIntact(copy))) return false;
	return true;
}

function objectsOf(source: Store, target: Store, manifest: Manifest, context: JobContext): ObjectCopy[] {
	let before = 0;
	return manifest.artifacts.map((artifact) => {
		const start = before;
		before += artifact.storedBytes;
		return {
			source,
			target,
			key: artifactKey(manifest.component, manifest.id, artifact.name),
			bytes: artifact.storedBytes,
			sha256: artifact.storedSha256,
			signal: context.signal,
			onBytes: (doing, total) => context.progress({ step: `${doing} ${manifest.id}`, done: start + total, total: manifest.storedBytes, unit: 'bytes' }),
		};
	});
}

/** A copy has the same bytes: what was proven of one is proven of the other. */
async function takeChecksAlong({ source, target }: CopyOptions, manifest: Manifest, context: JobContext): Promise<void> {
	const known = await readVerification(source, manifest.component, manifest.id);
	if (known) await adoptVerification(target, context, manifest, known.checks);
}

async function originRecord({ source, target }: CopyOptions, manifest: Manifest, times: BroughtOver['times']) {
	const before = await readCopies(target, manifest.component, manifest.id);
	const others = (before?.copies ?? []).filter(({ store }) => store !== source.description);
	return { ...before, formatVersion: 1, backup: manifest.id, copies: [...others, { store: source.description, origin: true, ...times }] };
}

/** In the target, a backup's parent must stay while what needs it is on its way. */
async function withParentKept<T>({ target }: CopyOptions, manifest: Manifest, context: JobContext, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
	if (manifest.parent === null) return await body(context.signal);
	return await withBackupInUse(target, context, { component: manifest.component, id: manifest.parent }, body);
}

/** Two names of one place would pass for two copies. Whoever sees our own lock of the target in the source looks at the same place. */
async function refuseSameStore(source: Store, request: LockRequest): Promise<void> {
	const me = ownIdentity();
	for (const { record } of await findLocks(source, request.name)) {
		const same = record?.purpose === request.purpose && record.owner.pid === me.pid && record.owner.host === me.host && record.owner.processStart === me.processStart;
		if (!same) continue;
		throw new BackupError(
			'INVALID_INPUT',
			`The source and the target are the same store (${source.description}).`,
			'Choose a target on another disk, in another bucket, or at least in another folder: only then is it a copy.',
		);
	}
}

async function readOriginal(source: Store, { component, id }: { component: Component; id: string }, signal: AbortSignal): Promise<Original> {
	const text = await readSmallObject(source, manifestKey(component, id), signal);
	if (text === undefined) throw new BackupError('BACKUP_NOT_FOUND', `Backup ${id} was deleted just now.`, 'List the backups again and choose another one.');
	return { manifest: parseManifest(text, { component, id }), text };
}
