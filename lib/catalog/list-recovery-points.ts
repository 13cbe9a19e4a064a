import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { Component } from './component';
import { SETS_FOLDER } from './layout';
import { readEntry } from './list-backups';
import { isManifestError } from './read-manifest';
import { type FoundRecoveryPoint, readRecoveryPoint } from './read-recovery-point';
import { type RecoveryPoint, recoveryPointIdSchema } from './recovery-point';
import type { MemberState, RecoveryPointSummary } from './recovery-point-summary';
import type { BackupSummary } from './summary';

/** Finds a backup, `undefined` where it is not in the store. */
export type FindMember = (place: { readonly component: Component; readonly id: string }) => Promise<BackupSummary | undefined>;

/** The recovery points of a store, newest first, each with what has become of its members. One that cannot be read is listed as such. */
export async function listRecoveryPoints(store: Store, options: { readonly limit?: number; readonly find?: FindMember } = {}): Promise<RecoveryPointSummary[]> {
	const find = options.find ?? remembered(async (place) => (await readEntry(store, place))?.summary);
	const found: RecoveryPointSummary[] = [];
	for (const id of (await recoveryPointIds(store)).slice(0, options.limit)) {
		let read: FoundRecoveryPoint | undefined;
		try {
			read = await readRecoveryPoint(store, id);
		} catch (error) {
			if (!isManifestError(error)) throw error;
			found.push(unreadable(id, error, store));
			continue;
		}
		if (read) found.push(await summarizeRecoveryPoint(store, read.point, find));
	}
	return found;
}

/** Newest first. */
async function recoveryPointIds(store: Store): Promise<string[]> {
	const folders = await store.listFolders(SETS_FOLDER);
	return folders.filter((id) => recoveryPointIdSchema.safeParse(id).success).sort((a, b) => (a < b ? 1 : -1));
}

/** A recovery point by its id, the newest, or the newest of which nothing is missing. Same shape as the jobs' `recoveryPointChoiceSchema`. */
export type RecoveryPointChoice = { readonly by: 'id'; readonly id: string } | { readonly by: 'latest' } | { readonly by: 'latestComplete' };

/**
 * The recovery point that a person or a schedule chose; the newest ones pass over those that cannot be read.
 * @throws BackupError `BACKUP_NOT_FOUND`; `MANIFEST_*` for a chosen id whose manifest is unusable
 */
export async function findRecoveryPoint(store: Store, choice: RecoveryPointChoice): Promise<FoundRecoveryPoint> {
	if (choice.by === 'id') {
		const found = await readRecoveryPoint(store, choice.id);
		if (found) return found;
		throw await notFound(store, `recovery point ${choice.id}`);
	}
	for (const { id, complete, unreadable: broken } of await listRecoveryPoints(store)) {
		if (broken || (choice.by === 'latestComplete' && !complete)) continue;
		const found = await readRecoveryPoint(store, id);
		if (found) return found;
	}
	throw await notFound(store, choice.by === 'latest' ? 'any readable recovery point' : 'any complete recovery point');
}

/** What has become of a recovery point in `store`. */
export async function summarizeRecoveryPoint(store: Store, point: RecoveryPoint, find: FindMember = async (place) => (await readEntry(store, place))?.summary): Promise<RecoveryPointSummary> {
	const members = await Promise.all(
		point.members.map(async ({ component, kind, source, backup, asOf }): Promise<MemberState> => {
			const summary = await find({ component, id: backup });
			const state = summary === undefined ? 'gone' : summary.status === 'damaged' ? 'damaged' : 'present';
			return { component, kind, source, backup, asOf: { from: asOf.from, to: asOf.to, exact: asOf.exact }, state, verified: summary?.verified ?? null };
		}),
	);
	const lost = members.filter(({ state }) => state !== 'present');
	return {
		id: point.id,
		name: point.name,
		recordedAt: point.recordedAt,
		complete: point.complete && lost.length === 0,
		state: describeState(point, lost),
		members,
		missing: point.missing,
		span: point.span,
		store: store.description,
		...(point.note !== undefined && { note: point.note }),
	};
}

function describeState(point: RecoveryPoint, lost: readonly MemberState[]): string {
	const problems = [
		...point.missing.map(({ what, message }) => `${what} failed: ${message}`),
		...lost.map(({ component, backup, state }) => `${backup} (${component}) is ${state === 'gone' ? 'no longer in this store' : 'damaged'}.`),
	];
	return problems.length === 0 ? `Complete: ${point.members.length} backups.` : `Incomplete. ${problems.join(' ')}`;
}

function unreadable(id: string, error: BackupError, store: Store): RecoveryPointSummary {
	const base = { id, name: '', recordedAt: '', complete: false, unreadable: true as const, members: [], missing: [], span: null };
	return { ...base, state: `${error.message} ${error.hint}`, store: store.description };
}

/** Asks for each backup once: neighbouring recovery points share members. */
function remembered(find: FindMember): FindMember {
	const known = new Map<string, Promise<BackupSummary | undefined>>();
	return async (place) => {
		const key = `${place.component}/${place.id}`;
		const asked = known.get(key) ?? find(place);
		known.set(key, asked);
		return await asked;
	};
}

async function notFound(store: Store, what: string): Promise<BackupError> {
	const ids = (await recoveryPointIds(store)).slice(0, 5);
	return new BackupError(
		'BACKUP_NOT_FOUND',
		`The store (${store.description}) does not hold ${what}. ${ids.length === 0 ? 'There is no recovery point at all.' : `The newest there are: ${ids.join(', ')}.`}`,
		'Choose one of those that exist, or check that the store credential points to the right place.',
	);
}
