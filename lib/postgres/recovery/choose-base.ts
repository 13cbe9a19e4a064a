import { secondOf } from '../../catalog/backup-id';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import { walkBackups } from '../../catalog/list-backups';
import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { Store } from '../../storage/store';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { type Lsn, parseLsn } from '../replication/lsn';
import { microseconds } from '../wal/server-time';
import { baseDetails } from '../wal/covered-window';
import { type ArchivedWal, ArchiveReader } from './archived-wal';
import type { RecoverOptions } from './options';
import { describeTarget, type RecoveryTarget } from './target';

export interface ChosenBase {
	readonly found: FoundBackup;
	readonly wal: ArchivedWal;
	/** What the recovery will ask for, in order. */
	readonly records: readonly WalRecord[];
}

const KINDS = ['base', 'incremental'] as const;
const MOST_NAMED = 5;

/**
 * The newest base backup that ended before the target and from which archived WAL leads there without a gap; or the one that was asked for, if it does.
 * @throws BackupError `TARGET_UNREACHABLE` naming the windows that are covered
 */
export async function chooseBase(options: Pick<RecoverOptions, 'store' | 'base' | 'target' | 'timeline'>, context: JobContext): Promise<ChosenBase> {
	const { store, base, target, timeline } = options;
	const archive = new ArchiveReader(store, context);
	const complete = async (found: FoundBackup, wal: ArchivedWal): Promise<ChosenBase> => ({ found, wal, records: await archive.records(wal, target) });
	if (base.by === 'id') {
		const found = await findBackup(store, { component: 'postgres', kinds: KINDS, choice: base });
		const wal = await archive.after(found.manifest, timeline);
		const problem = unreachable(found, wal, target);
		if (problem === undefined) return checkName(await complete(found, wal), target);
		throw refused(target, [`${found.manifest.id}: ${problem}`]);
	}
	if (base.source === undefined) await requireOneServer(store);
	const problems: string[] = [];
	let chosen: { readonly found: FoundBackup; readonly wal: ArchivedWal } | undefined;
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', kinds: KINDS, ...(base.source !== undefined && { source: base.source }) })) {
		// Ids tell seconds apart; of two in one second the later is not always listed first.
		if (chosen && byTime(target) && secondOf(chosen.found.manifest.id) !== (manifest && secondOf(manifest.id))) break;
		if (!manifest?.basebackup || summary.status !== 'success') continue;
		const found = { manifest, summary };
		const wal = await archive.after(manifest, timeline);
		const problem = unreachable(found, wal, target);
		if (problem !== undefined) {
			problems.push(`${manifest.id}: ${problem}`);
			continue;
		}
		if (!chosen || !byTime(target) || endOf(manifest) > endOf(chosen.found.manifest)) chosen = { found, wal };
	}
	if (chosen) return checkName(await complete(chosen.found, chosen.wal), target);
	if (problems.length > 0) throw refused(target, problems);
	throw new BackupError('BACKUP_NOT_FOUND', `The store (${store.description}) holds no base backup${base.source === undefined ? '' : ` of ${JSON.stringify(base.source)}`}.`, 'Take one with "Postgres Basebackup"; a point in time can be recovered only after it.');
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

/** Neither a name nor a transaction tells when it was: for them the oldest base backup surely comes before it, if any does. */
function byTime({ by }: RecoveryTarget): boolean {
	return by !== 'xid' && by !== 'name';
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

/** @throws BackupError `TARGET_UNREACHABLE` for a restore point that is surely not in the log */
function checkName(chosen: ChosenBase, target: RecoveryTarget): ChosenBase {
	if (target.by !== 'name') return chosen;
	const { records, found, wal } = chosen;
	const log = records.filter(({ content }) => content !== 'history');
	const points = log.flatMap(({ times }) => times?.restorePoints ?? []);
	const after = parseLsn(baseDetails(found.manifest).endLsn);
	if (points.some(({ name, lsn }) => name === target.name && parseLsn(lsn) >= after)) return chosen;
	// Where WAL was archived without being read, the point may be in it all the same.
	if (log.some(({ times }) => times === undefined)) return chosen;
	const there = points.map(({ name, at }) => `${JSON.stringify(name)} (${at})`).slice(-MOST_NAMED);
	throw refused(target, [`${found.manifest.id}: no restore point of this name comes after it up to ${wal.window.toLsn}; ${there.length === 0 ? 'there is none' : `there are ${there.join(', ')}`}`]);
}

function refused(target: RecoveryTarget, problems: readonly string[]): BackupError {
	const named = problems.slice(0, MOST_NAMED);
	if (problems.length > named.length) named.push(`and ${problems.length - named.length} older ones`);
	return new BackupError('TARGET_UNREACHABLE', `No base backup leads to ${describeTarget(target)}. ${named.join('. ')}.`, 'Choose a target inside one of these windows, or bring missing base backups or WAL back from another copy of the store. Nothing was changed.');
}
