import type { BackupSummary } from '../../../catalog/summary';
import type { StepResult } from '../../../core/steps';
import type { Store } from '../../../storage/store';
import type { BaseChoice } from '../options';
import type { Question } from './ask';
import type { Commit } from './commit-series';

export interface FindIncidentOptions {
	readonly store: Store;
	readonly base: BaseChoice;
	/** A moment when all was well; null: the end of the newest base backup before `to`. */
	readonly from: string | null;
	/** A moment when the damage was there; null: the newest that is archived. */
	readonly to: string | null;
	readonly question: Question;
	readonly timeline: number | null;
	/** Absolute; does not exist yet, or is empty. */
	readonly folder: string;
	/** Where the program `postgres` lies; empty: searched for. */
	readonly serverFolder: string;
	/** A superuser of the recovered server; empty: found by itself. */
	readonly user: string;
	/** How often a base backup may be laid out, at least once. */
	readonly mostRecoveries: number;
}

/** One answer. */
export interface Asked {
	readonly at: string;
	readonly lsn: string;
	/** Asked just before that commit, not just after it. */
	readonly before: boolean;
	readonly damaged: boolean;
	/** Which recovery was asked, from 1. */
	readonly recovery: number;
}

export interface FindIncidentResult {
	/** The commit after which the damage is there for the first time. */
	readonly incident: Commit;
	/** False: so many transactions were committed that `incident` is the last of several, one of which did it. */
	readonly exact: boolean;
	/** The one before it; null: there is none in the stretch. */
	readonly lastSound: Commit | null;
	/** Recover to here, exclusively: the state just before the damage. Inclusively: the state just after it. */
	readonly target: { readonly by: 'lsn'; readonly lsn: string };
	readonly stretch: { readonly from: string; readonly to: string };
	/** How many transactions were committed in the stretch. */
	readonly commits: number;
	readonly recoveries: number;
	readonly asked: Asked[];
	readonly backup: BackupSummary;
	readonly timeline: number;
	readonly steps: StepResult[];
	readonly sentence: string;
}
