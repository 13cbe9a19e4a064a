import { createdBy } from '../backup/created-by';
import { newBackupId } from '../catalog/backup-id';
import type { BackupKind, Component } from '../catalog/component';
import { readLastRuns } from '../catalog/last-run';
import { recoveryPointKey } from '../catalog/layout';
import { walkBackups } from '../catalog/list-backups';
import { summarizeRecoveryPoint } from '../catalog/list-recovery-points';
import type { Manifest } from '../catalog/manifest';
import { isManifestError, readManifest } from '../catalog/read-manifest';
import { type MissingMember, type RecoveryMember, sealRecoveryPoint } from '../catalog/recovery-point';
import type { RecoveryPointSummary } from '../catalog/recovery-point-summary';
import { seriesOf } from '../catalog/series';
import { writeSmallObject } from '../catalog/small-object';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { asOfBackup, spanOf } from './span';

export interface RecordOptions {
	readonly name: string;
	readonly note?: string;
	readonly members: readonly { readonly component: Component; readonly id: string }[];
	/** Everything begun since then belongs to it: the newest of each series, and what failed. */
	readonly since: string | null;
	readonly failures: readonly MissingMember[];
	/** Components that must be among the members. */
	readonly expected: readonly Component[];
	readonly failWhenIncomplete: boolean;
}

/**
 * Writes down that the backups of one run belong together, and what of the run failed.
 * @throws BackupError `RECOVERY_POINT_INCOMPLETE` naming everything that is missing, when asked to, after it was recorded;
 * `BACKUP_NOT_FOUND` when there is nothing at all to record
 */
export async function recordRecoveryPoint(store: Store, options: RecordOptions, context: JobContext): Promise<RecoveryPointSummary> {
	const gathered = new Gathered();
	for (const failure of options.failures) gathered.miss(failure);
	for (const { component, id } of options.members) await addNamed(gathered, store, component, id);
	if (options.since !== null) await addSince(gathered, store, Date.parse(options.since));
	for (const component of options.expected) {
		const known = gathered.members.some((member) => member.component === component) || gathered.missing.some((missing) => missing.component === component);
		if (!known) gathered.miss({ component, what: component, message: `There is no backup of ${component} from this run.` });
	}
	const { members, missing } = gathered;
	if (members.length === 0 && missing.length === 0) {
		throw new BackupError('BACKUP_NOT_FOUND', 'There is nothing to record: no backup was named or found, and no failure.', 'Connect the backups of the run to this step, or give the time since when it has been going on.');
	}

	const now = context.now();
	const point = sealRecoveryPoint({
		formatVersion: 1,
		id: newBackupId(now, 'set', (bytes) => context.randomBytes(bytes)),
		name: options.name,
		recordedAt: now.toISOString(),
		createdBy: createdBy(),
		complete: missing.length === 0,
		members,
		missing,
		span: spanOf(members),
		...(options.note !== undefined && { note: options.note }),
	});
	await writeSmallObject(store, recoveryPointKey(point.id), point, { signal: context.signal });
	const summary = await summarizeRecoveryPoint(store, point);
	if (options.failWhenIncomplete && !summary.complete) throw incomplete(summary);
	return summary;
}

/** What belongs to the recovery point, each thing once. */
class Gathered {
	readonly members: RecoveryMember[] = [];
	readonly missing: MissingMember[] = [];

	add(manifest: Manifest): void {
		if (this.members.some(({ backup }) => backup === manifest.id)) return;
		const { component, kind, source, id, startedAt, finishedAt, digest } = manifest;
		this.members.push({ component, kind, source: source.name, backup: id, startedAt, finishedAt, asOf: asOfBackup(manifest), digest });
	}

	miss(missing: MissingMember): void {
		if (!this.missing.some(({ message }) => message === missing.message)) this.missing.push(missing);
	}
}

async function addNamed(gathered: Gathered, store: Store, component: Component, id: string): Promise<void> {
	try {
		const manifest = await readManifest(store, component, id);
		if (manifest) gathered.add(manifest);
		else gathered.miss({ component, what: id, message: `Backup ${id} is not in the store (${store.description}).`, code: 'BACKUP_NOT_FOUND' });
	} catch (error) {
		if (!isManifestError(error)) throw error;
		gathered.miss({ component, what: id, message: error.message, code: error.code, hint: error.hint });
	}
}

/** An extract of rows is no backup of anything; a safety backup is of what was about to be replaced. */
const BELONGS_NOWHERE: readonly BackupKind[] = ['extract', 'safety'];

async function addSince(gathered: Gathered, store: Store, since: number): Promise<void> {
	const seen = new Set<string>();
	for await (const { manifest, summary } of walkBackups(store)) {
		const startedAt = Date.parse(summary.startedAt);
		// They come newest first, by their ids, which count whole seconds.
		if (startedAt < since - 1000) break;
		const series = seriesOf(summary);
		if (startedAt < since || BELONGS_NOWHERE.includes(summary.kind) || seen.has(series)) continue;
		seen.add(series);
		if (manifest) gathered.add(manifest);
		else gathered.miss({ component: summary.component, what: summary.id, message: summary.problem ?? `The manifest of backup ${summary.id} cannot be read.` });
	}
	const runs = (await readLastRuns(store)).sort((a, b) => (a.series < b.series ? -1 : 1));
	for (const { run } of runs) {
		if (!run || run.outcome === 'success' || run.kind === 'safety' || Date.parse(run.startedAt) < since) continue;
		const what = `${run.kind} backup of ${run.source} (${run.component})`;
		const going = { component: run.component, what, message: `The ${what} has not ended: it is still running, or its process died.` };
		gathered.miss(run.error === null ? going : { component: run.component, what, message: run.error.message, code: run.error.code, hint: run.error.hint });
	}
}

function incomplete({ id, missing, members, state }: RecoveryPointSummary): BackupError {
	const [first] = missing;
	const list = missing.map(({ what, message }) => `${what}: ${sentence(message)}`).join(' ');
	const taken = `${members.length === 1 ? '1 backup was' : `${members.length} backups were`} taken and kept, as recovery point ${id}.`;
	return new BackupError(
		'RECOVERY_POINT_INCOMPLETE',
		`${missing.length === 0 ? state : `${missing.length === 1 ? 'One part' : `${missing.length} parts`} of the run failed. ${list}`} ${taken}`,
		missing.length === 1 && first?.hint !== undefined ? first.hint : 'Look at each failed step, put it right and run it again. Until then restore from an earlier, complete recovery point.',
	);
}

/** The messages of other nodes may end anyhow. */
function sentence(text: string): string {
	return /[.!?]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
}
