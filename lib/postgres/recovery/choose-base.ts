import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import { walkBackups } from '../../catalog/list-backups';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { parseLsn } from '../replication/lsn';
import { readWal } from '../wal/wal-archive';
import { type ArchivedWal, walAfter } from './archived-wal';
import { basebackupOf } from './chain-members';
import type { RecoverOptions } from './options';
import { describeTarget, microseconds, type RecoveryTarget } from './target';

export interface ChosenBase {
	readonly found: FoundBackup;
	readonly wal: ArchivedWal;
}

const KINDS = ['base', 'incremental'] as const;
const MOST_NAMED = 5;

/**
 * The newest base backup that ended before the target and from which archived WAL leads there without a gap; or the one that was asked for, if it does.
 * @throws BackupError `TARGET_UNREACHABLE` naming the windows that are covered
 */
export async function chooseBase(options: Pick<RecoverOptions, 'store' | 'base' | 'target' | 'timeline'>, context: JobContext): Promise<ChosenBase> {
	const { store, base, target, timeline } = options;
	const readText = async (record: WalRecord) => await textOf(store, record, context);
	if (base.by === 'id') {
		const found = await findBackup(store, { component: 'postgres', kinds: KINDS, choice: base });
		basebackupOf(found.manifest);
		const wal = await walAfter(store, found.manifest, timeline, readText, context.signal);
		const problem = unreachable(found, wal, target);
		if (problem === undefined) return { found, wal };
		throw refused(target, [`${found.manifest.id}: ${problem}`]);
	}
	const problems: string[] = [];
	const fitting: ChosenBase[] = [];
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', kinds: KINDS, ...(base.source !== undefined && { source: base.source }) })) {
		if (!manifest?.basebackup || summary.status !== 'success') continue;
		const found = { manifest, summary };
		const wal = await walAfter(store, manifest, timeline, readText, context.signal);
		const problem = unreachable(found, wal, target);
		if (problem !== undefined) {
			problems.push(`${manifest.id}: ${problem}`);
			continue;
		}
		fitting.push({ found, wal });
		// A transaction id does not tell when it was: the oldest base surely comes before it.
		if (target.by !== 'xid') break;
	}
	const chosen = fitting.at(-1);
	if (chosen) return chosen;
	if (problems.length > 0) throw refused(target, problems);
	throw new BackupError('BACKUP_NOT_FOUND', `The store (${store.description}) holds no base backup${base.source === undefined ? '' : ` of ${JSON.stringify(base.source)}`}.`, 'Take one with "Postgres Basebackup"; a point in time can be recovered only after it.');
}

/** Why a base backup and the WAL after it do not lead to the target; undefined where they do. */
function unreachable({ manifest }: FoundBackup, { window, records }: ArchivedWal, target: RecoveryTarget): string | undefined {
	const base = basebackupOf(manifest);
	const covers = `it covers ${window.from} to ${window.to ?? 'an unknown time'} (${window.fromLsn} to ${window.toLsn}); there ${window.ends}`;
	switch (target.by) {
		case 'latest':
			return undefined;
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
		case 'name': {
			const walked = records.filter(({ times }) => times !== undefined);
			const places = walked.flatMap(({ times }) => times?.restorePoints ?? []).filter(({ name }) => name === target.name);
			if (places.some(({ lsn }) => parseLsn(lsn) >= parseLsn(base.endLsn))) return undefined;
			// Where WAL was archived without being read, the point may be in it all the same.
			return walked.length < records.filter(({ content }) => content !== 'history').length ? undefined : `no restore point of this name comes after it; ${covers}`;
		}
		case 'xid':
			return undefined;
	}
}

function refused(target: RecoveryTarget, problems: readonly string[]): BackupError {
	const named = problems.slice(0, MOST_NAMED);
	if (problems.length > named.length) named.push(`and ${problems.length - named.length} older ones`);
	return new BackupError('TARGET_UNREACHABLE', `No base backup leads to ${describeTarget(target)}. ${named.join('. ')}.`, 'Choose a target inside one of these windows, or bring missing base backups or WAL back from another copy of the store. Nothing was changed.');
}

async function textOf(store: Store, record: WalRecord, { keys, signal }: JobContext): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of readWal(store, record, { keys, signal })) chunks.push(chunk);
	return Buffer.concat(chunks).toString('utf8');
}
