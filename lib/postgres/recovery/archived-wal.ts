import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { parseLsn } from '../replication/lsn';
import { readWalIndex, type WalIndex } from '../wal/archive-index';
import { baseDetails, coveredWindow, walAfter, walFor } from '../wal/covered-window';
import { withFreshListing } from '../wal/visit-wal';
import type { WalPath } from '../wal/wal-path';
import type { RecoveryWindow } from './options';
import type { RecoveryTarget } from './target';

/** What of the archived log leads from a base backup towards a target. */
export interface ArchivedWal {
	readonly index: WalIndex;
	readonly path: WalPath;
	readonly window: RecoveryWindow;
	/** The timeline to follow. */
	readonly timeline: number;
}

/** What leads from a base backup to a target. */
export interface WayToTarget {
	readonly wal: ArchivedWal;
	/** What the recovery will ask for, in order. */
	readonly records: readonly WalRecord[];
}

/** Reads the archives of servers, each once. */
export class ArchiveReader {
	private readonly indexes = new Map<string, WalIndex>();

	constructor(
		private readonly store: Store,
		private readonly context: Pick<JobContext, 'keys' | 'signal'>,
	) {}

	/**
	 * The log after a base backup, as far as it goes without a gap.
	 * @param timeline the one to end on; null: the newest to which the base backup leads
	 * @throws BackupError `TARGET_UNREACHABLE` for a timeline to which nothing leads; `INVALID_INPUT` for what is no base backup
	 */
	async after(manifest: Manifest, timeline: number | null): Promise<ArchivedWal> {
		return await this.fresh(manifest, async () => await this.follow(manifest, timeline));
	}

	/** The same with the records of what recovery to `target` will ask for. */
	async to(manifest: Manifest, timeline: number | null, target: RecoveryTarget): Promise<WayToTarget> {
		return await this.fresh(manifest, async () => {
			const wal = await this.follow(manifest, timeline);
			// A name and a transaction are found by replaying.
			const wanted = target.by === 'time' || target.by === 'lsn' ? target : ({ by: 'latest' } as const);
			return { wal, records: await walFor(this.store, wal.index, wal.path, wanted, this.context) };
		});
	}

	/** The newest timeline of the server of a base backup whose history is archived. */
	async newestTimeline(manifest: Manifest): Promise<number> {
		const base = baseDetails(manifest);
		return Math.max(base.timeline, ...(await this.index(base)).histories.keys());
	}

	private async follow(manifest: Manifest, timeline: number | null): Promise<ArchivedWal> {
		const base = baseDetails(manifest);
		const index = await this.index(base);
		const followed = walAfter(index, base, timeline);
		// A base backup holds the log of its own span: what is archived of no more than that would take the place of the whole of it.
		const path = followed.end > parseLsn(base.endLsn) ? followed : { ...followed, parts: [] };
		const { from, to, lastCommitAt, fromLsn, toLsn, ends } = await coveredWindow(this.store, index, base, path, this.context);
		return { index, path, window: { from, to, lastCommitAt, fromLsn, toLsn, ends, gap: path.gap !== null }, timeline: path.timeline };
	}

	private async index(base: BasebackupDetails): Promise<WalIndex> {
		const index = this.indexes.get(base.systemIdentifier) ?? (await readWalIndex(this.store, base, this.context));
		this.indexes.set(base.systemIdentifier, index);
		return index;
	}

	private async fresh<T>(manifest: Manifest, read: () => Promise<T>): Promise<T> {
		return await withFreshListing(read, () => this.indexes.delete(baseDetails(manifest).systemIdentifier));
	}
}
