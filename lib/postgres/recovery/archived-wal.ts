import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { readWalIndex, type WalIndex } from '../wal/archive-index';
import { baseDetails, coveredWindow, walAfter, walFor } from '../wal/covered-window';
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
		const base = baseDetails(manifest);
		const index = this.indexes.get(base.systemIdentifier) ?? (await readWalIndex(this.store, base, this.context));
		this.indexes.set(base.systemIdentifier, index);
		const path = walAfter(index, base, timeline);
		const { from, to, lastCommitAt, fromLsn, toLsn, ends } = await coveredWindow(this.store, index, base, path, this.context);
		return { index, path, window: { from, to, lastCommitAt, fromLsn, toLsn, ends, gap: path.gap !== null }, timeline: path.timeline };
	}

	/** The records of what recovery will ask for, in order. */
	async records({ index, path }: ArchivedWal, target: RecoveryTarget): Promise<WalRecord[]> {
		// A name and a transaction are found by replaying.
		const wanted = target.by === 'time' || target.by === 'lsn' ? target : ({ by: 'latest' } as const);
		return await walFor(this.store, index, path, wanted, this.context);
	}
}
