import { secondOf } from '../../catalog/backup-id';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import { walkBackups } from '../../catalog/list-backups';
import type { Manifest } from '../../catalog/manifest';
import type { WalTimes } from '../../catalog/wal-manifest';
import type { Store } from '../../storage/store';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { type Lsn, parseLsn } from '../replication/lsn';
import { microseconds } from '../wal/server-time';
import { baseDetails } from '../wal/covered-window';
import { type ArchivedWal, ArchiveReader, type WayToTarget } from './archived-wal';
import type { RecoverOptions } from './options';
import { describeTarget, type RecoveryTarget } from './target';

export interface ChosenBase extends WayToTarget {
	readonly found: FoundBackup;
}

const KINDS = ['base', 'incremental'] as const;
const MOST_NAMED = 5;

type ChooseOptions = Pick<RecoverOptions, 'store' | 'base' | 'target' | 'timeline'>;

interface Candidate {
	readonly found: FoundBackup;
	readonly wal: ArchivedWal;
}

/**
 * The newest base backup that ended before the target and from which archived WAL leads there without a gap; or the one that was asked for, if it does.
 * Nobody knows when a transaction was before the log is replayed: for one it is the oldest from which WAL leads as far as it is archived.
 * @throws BackupError `TARGET_UNREACHABLE` naming the windows that are covered
 */
export async function chooseBase(options: ChooseOptions, context: JobContext): Promise<ChosenBase> {
	const { store, base, target, timeline } = options;
	const archive = new ArchiveReader(store, context);
	if (base.by === 'id') {
		const found = await findBackup(store, { component: 'postgres', kinds: KINDS, choice: base });
		const way = await archive.to(found.manifest, timeline, target);
		const problem = unreachable(found, way.wal, target) ?? (target.by === 'name' ? surelyWithout(found, way, target.name) : undefined);
		if (problem === undefined) return { found, ...way };
		throw refused(target, [`${found.manifest.id}: ${problem}`]);
	}
	if (base.source === undefined) await requireOneServer(store);
	const problems: string[] = [];
	const candidates = leading(options, archive, problems);
	const chosen = target.by === 'name' ? await withRestorePoint(candidates, archive, options, target.name, problems) : target.by === 'xid' ? await farthest(candidates) : await newest(candidates, archive, target.by === 'latest' && timeline === null);
	if (chosen) return { found: chosen.found, ...(await archive.to(chosen.found.manifest, timeline, target)) };
	if (problems.length > 0) throw refused(target, problems);
	throw new BackupError('BACKUP_NOT_FOUND', `The store (${store.description}) holds no base backup${base.source === undefined ? '' : ` of ${JSON.stringify(base.source)}`}.`, 'Take one with "Postgres Basebackup"; a point in time can be recovered only after it.');
}

/** Newest first, those that lead to the target as far as can be told without replaying; what speaks against the others goes into `problems`. */
async function* leading({ store, base, target, timeline }: ChooseOptions, archive: ArchiveReader, problems: string[]): AsyncGenerator<Candidate, void, void> {
	const source = base.by === 'newest' ? base.source : undefined;
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', kinds: KINDS, ...(source !== undefined && { source }) })) {
		if (!manifest?.basebackup || summary.status !== 'success') continue;
		const found = { manifest, summary };
		const wal = await whereItLeads(archive, manifest, timeline);
		const problem = typeof wal === 'string' ? wal : unreachable(found, wal, target);
		if (typeof wal === 'string' || problem !== undefined) problems.push(`${manifest.id}: ${problem}`);
		else yield { found, wal };
	}
}

/** @returns why it does not lead to the timeline that was asked for, where another may */
async function whereItLeads(archive: ArchiveReader, manifest: Manifest, timeline: number | null): Promise<ArchivedWal | string> {
	try {
		return await archive.after(manifest, timeline);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'TARGET_UNREACHABLE') return error.message.replace(/\.$/, '');
		throw error;
	}
}

/** @param ofAll the newest state of a server is not on a timeline that was left, though newer base backups may be */
async function newest(candidates: AsyncIterable<Candidate>, archive: ArchiveReader, ofAll: boolean): Promise<Candidate | undefined> {
	let chosen: Candidate | undefined;
	for await (const candidate of candidates) {
		const { manifest } = candidate.found;
		if (!chosen) {
			chosen = candidate;
			continue;
		}
		// Ids tell seconds apart; of two in one second the later is not always listed first.
		const sameSecond = secondOf(chosen.found.manifest.id) === secondOf(manifest.id);
		if (!sameSecond && (!ofAll || chosen.wal.timeline >= (await archive.newestTimeline(manifest)))) break;
		const later = sameSecond && endOf(manifest) > endOf(chosen.found.manifest);
		if (later || (ofAll && candidate.wal.timeline > chosen.wal.timeline)) chosen = candidate;
	}
	return chosen;
}

/** The oldest from which WAL leads to the end of the newest timeline; of older ones it may have been pruned. */
async function farthest(candidates: AsyncIterable<Candidate>): Promise<Candidate | undefined> {
	let chosen: Candidate | undefined;
	for await (const candidate of candidates) {
		const [timeline, end] = [candidate.wal.timeline, candidate.wal.path.end];
		if (!chosen || timeline > chosen.wal.timeline || (timeline === chosen.wal.timeline && end >= chosen.wal.path.end)) chosen = candidate;
	}
	return chosen;
}

/** The newest with a restore point after it; or else the oldest after which it may be. */
async function withRestorePoint(candidates: AsyncIterable<Candidate>, archive: ArchiveReader, { timeline }: ChooseOptions, name: string, problems: string[]): Promise<Candidate | undefined> {
	let possible: Candidate | undefined;
	for await (const candidate of candidates) {
		const { found, wal } = candidate;
		const way = await archive.to(found.manifest, timeline, { by: 'name', name });
		if (pointsAfter(found, way).some((point) => point.name === name)) return candidate;
		const without = surelyWithout(found, way, name);
		if (without === undefined) possible = !possible || wal.path.end >= possible.wal.path.end ? candidate : possible;
		else problems.push(`${found.manifest.id}: ${without}`);
	}
	return possible;
}

/** The newest of several servers would be that of any of them. */
async function requireOneServer(store: Store): Promise<void> {
	const servers = new Map<string, string>();
	for await (const { manifest } of walkBackups(store, { component: 'postgres', kinds: KINDS })) {
		if (manifest?.basebackup && !servers.has(manifest.source.name)) servers.set(manifest.source.name, manifest.basebackup.systemIdentifier);
	}
	if (new Set(servers.values()).size <= 1) return;
	throw new BackupError('INVALID_INPUT', `The store (${store.description}) holds base backups of several servers: ${[...servers.keys()].map((name) => JSON.stringify(name)).join(', ')}.`, 'Say whose is to be recovered: name the backed-up server.');
}

function endOf(manifest: Manifest): Lsn {
	return parseLsn(baseDetails(manifest).endLsn);
}

/** Why a base backup and the WAL after it do not lead to the target; undefined where they do, as far as can be told without replaying. */
function unreachable({ manifest }: FoundBackup, { window }: ArchivedWal, target: RecoveryTarget): string | undefined {
	const base = baseDetails(manifest);
	const covers = `it covers ${window.from} to ${window.to ?? 'an unknown time'} (${window.fromLsn} to ${window.toLsn}); there ${window.ends}`;
	switch (target.by) {
		case 'time': {
			const at = microseconds(target.time);
			if (at <= microseconds(base.endedAt)) return `it ended at ${base.endedAt}, not before the target`;
			return window.to !== null && at > microseconds(window.to) ? covers : undefined;
		}
		case 'lsn': {
			const at = parseLsn(target.lsn);
			if (at < parseLsn(base.endLsn)) return `it ended at ${base.endLsn}, not before the target`;
			return at >= parseLsn(window.toLsn) ? covers : undefined;
		}
		case 'latest':
		case 'name':
		case 'xid':
			return undefined;
	}
}

function pointsAfter({ manifest }: FoundBackup, { records }: WayToTarget): WalTimes['restorePoints'] {
	const after = parseLsn(baseDetails(manifest).endLsn);
	return records.flatMap(({ times }) => times?.restorePoints ?? []).filter(({ lsn }) => parseLsn(lsn) >= after);
}

/** Why a restore point does not come after a base backup; undefined where it does, or may: WAL that was archived without being read may hold it. */
function surelyWithout(found: FoundBackup, way: WayToTarget, name: string): string | undefined {
	const points = pointsAfter(found, way);
	if (points.some((point) => point.name === name)) return undefined;
	if (way.records.some(({ content, times }) => content !== 'history' && times === undefined)) return undefined;
	const there = points.map((point) => `${JSON.stringify(point.name)} (${point.at})`).slice(-MOST_NAMED);
	return `no restore point of this name comes after it up to ${way.wal.window.toLsn}; ${there.length === 0 ? 'there is none' : `there are ${there.join(', ')}`}`;
}

function refused(target: RecoveryTarget, problems: readonly string[]): BackupError {
	const named = problems.slice(0, MOST_NAMED);
	if (problems.length > named.length) named.push(`and ${problems.length - named.length} older ones`);
	return new BackupError('TARGET_UNREACHABLE', `No base backup leads to ${describeTarget(target)}. ${named.join('. ')}.`, 'Choose a target inside one of these windows, or bring missing base backups or WAL back from another copy of the store. Nothing was changed.');
}
