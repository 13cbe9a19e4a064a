import type { WalRecord } from '../../catalog/wal-manifest';
import type { Store } from '../../storage/store';
import type { ServerFacts } from '../basebackup/server-facts';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import type { SlotState } from './replication-slot';

/** What was archived, and how the archive stands after it. */
export interface ArchiveSummary {
	readonly server: string;
	readonly systemIdentifier: string;
	readonly store: string;
	/** The last one, and all that were gone through. */
	readonly timeline: number | null;
	readonly timelines: readonly number[];
	/** Of the log that was archived now; null: there was nothing new. */
	readonly fromLsn: string | null;
	readonly toLsn: string | null;
	readonly segments: number;
	readonly pieces: number;
	readonly histories: number;
	/** Found in the archive with the same bytes. */
	readonly alreadyThere: number;
	/** Of log, and what it takes in the store. */
	readonly bytes: number;
	readonly storedBytes: number;
	/** By the server's clock: the newest commit that is archived now, and when the server sent the last byte. */
	readonly lastCommitAt: string | null;
	readonly sentAt: string | null;
	readonly slot: { readonly name: string; readonly walStatus: string | null; readonly heldBytes: number | null; readonly safeBytes: number | null };
	/** Log that stays missing. */
	readonly gaps: readonly { readonly from: string; readonly to: string }[];
	readonly warnings: readonly string[];
}

/** Counts what an archiving run does. */
export class WalTally {
	bytes = 0;
	/** As last seen. */
	slot: SlotState | undefined;
	private storedBytes = 0;
	private readonly counts = { segment: 0, piece: 0, history: 0 };
	private alreadyThere = 0;
	private from: Lsn | undefined;
	private to: Lsn | undefined;
	private lastCommitAt: string | null = null;
	/** Up to where it was archived before this began to count. */
	private before: Lsn | undefined;
	private sentAt: string | null = null;
	private readonly timelines: number[] = [];
	private readonly gaps: { from: string; to: string }[] = [];
	private readonly warnings: string[] = [];

	constructor(
		private readonly server: string,
		private readonly facts: Pick<ServerFacts, 'systemIdentifier'>,
		private readonly store: Pick<Store, 'description'>,
		private readonly slotName: string,
	) {}

	add(record: WalRecord, written: boolean): void {
		if (written) {
			this.counts[record.content] += 1;
			this.storedBytes += record.artifact.storedBytes;
		} else this.alreadyThere += 1;
		if (record.content === 'history') return;
		const [start, end] = [parseLsn(record.startLsn), parseLsn(record.endLsn)];
		// Pieces come again with their segment, and are counted once.
		const before = this.to ?? this.before;
		if (before === undefined || end > before) {
			this.bytes += Number(end - (before !== undefined && before > start ? before : start));
			this.to = end;
		}
		this.from ??= before !== undefined && before > start && before <= end ? before : start;
		if (!this.timelines.includes(record.timeline)) this.timelines.push(record.timeline);
		this.sentAt = record.sentAt;
		const last = record.times?.lastCommitAt ?? null;
		if (last !== null && (this.lastCommitAt === null || last > this.lastCommitAt)) this.lastCommitAt = last;
	}

	/** Goes on where another one ended. */
	continue(other: WalTally): void {
		this.slot = other.slot;
		this.before = other.to ?? other.before;
		this.lastCommitAt = other.lastCommitAt;
		this.sentAt = other.sentAt;
		this.timelines.push(...other.timelines.slice(-1));
	}

	get lastCommit(): string | null {
		return this.lastCommitAt;
	}

	/** @returns what a person should know of it */
	gap({ from, to }: { readonly from: Lsn; readonly to: Lsn }): string {
		this.gaps.push({ from: formatLsn(from), to: formatLsn(to) });
		const warning = `The log from ${formatLsn(from)} to ${formatLsn(to)} is missing and stays so: the server had removed it. Points in time within it cannot be recovered; later ones can, from a base backup that was taken after it: take one now if there is none.`;
		this.warn([warning]);
		return warning;
	}

	warn(warnings: readonly string[]): void {
		this.warnings.push(...warnings);
	}

	summary(slot: SlotState | undefined): ArchiveSummary {
		return {
			server: this.server,
			systemIdentifier: this.facts.systemIdentifier,
			store: this.store.description,
			timeline: this.timelines.at(-1) ?? null,
			timelines: [...this.timelines],
			fromLsn: this.from === undefined ? null : formatLsn(this.from),
			toLsn: this.to === undefined ? null : formatLsn(this.to),
			segments: this.counts.segment,
			pieces: this.counts.piece,
			histories: this.counts.history,
			alreadyThere: this.alreadyThere,
			bytes: this.bytes,
			storedBytes: this.storedBytes,
			lastCommitAt: this.lastCommitAt,
			sentAt: this.sentAt,
			slot: { name: this.slotName, walStatus: slot?.walStatus ?? null, heldBytes: slot?.heldBytes ?? null, safeBytes: slot?.safeBytes ?? null },
			gaps: [...this.gaps],
			warnings: [...this.warnings],
		};
	}
}
