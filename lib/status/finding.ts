import type { State } from './state';

/**
 * `missing`, `stale`, `series`, `future`, `unverified`: of age; `died`, `failed`: of a run; `damaged`, `lost`, `chain`, `unlike`: of a backup; `gap`: of
 * archived WAL; `unreadable`: of what the store has recorded.
 */
export type FindingKind = 'missing' | 'stale' | 'series' | 'future' | 'unverified' | 'died' | 'failed' | 'damaged' | 'lost' | 'chain' | 'unlike' | 'gap' | 'unreadable';

/** Something that a person should know; `about` tells several of a kind apart, and stays the same for as long as it lasts. */
export interface Finding {
	readonly kind: FindingKind;
	readonly about: string;
	readonly state: State;
	readonly reason: string;
	/** What the error of a run says should be done; else empty. */
	readonly hint: string;
	/** Since when it is so; null: the facts do not tell. */
	readonly since: string | null;
	/** When all was well for the last time; null: not known. */
	readonly wellAt: string | null;
	/** The page of the documentation, with its heading. */
	readonly runbook: string;
}

export const RUNBOOKS: Readonly<Record<FindingKind, string>> = {
	missing: 'docs/alerts.md#a-backup-is-missing-or-too-old',
	stale: 'docs/alerts.md#a-backup-is-missing-or-too-old',
	series: 'docs/alerts.md#something-is-no-longer-backed-up',
	future: 'docs/alerts.md#a-backup-is-dated-in-the-future',
	unverified: 'docs/alerts.md#nothing-was-verified-for-long',
	died: 'docs/alerts.md#a-backup-run-failed-or-died',
	failed: 'docs/alerts.md#a-backup-run-failed-or-died',
	damaged: 'docs/alerts.md#a-backup-is-damaged-or-incomplete',
	lost: 'docs/alerts.md#a-backup-is-damaged-or-incomplete',
	chain: 'docs/alerts.md#a-backup-is-damaged-or-incomplete',
	unlike: 'docs/anomalies.md#when-it-alarms',
	gap: 'docs/alerts.md#archived-wal-has-a-gap',
	unreadable: 'docs/alerts.md#a-record-cannot-be-read',
};
