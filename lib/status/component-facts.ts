import type { KnownRun } from '../catalog/known-runs';
import type { FoundRun } from '../catalog/last-run';
import type { RecoveryWindow } from '../catalog/recovery-window';
import type { BackupSummary } from '../catalog/summary';
import type { Anomaly } from './find-anomalies';
import type { Sign } from './judge-backups';
import type { WalReach } from './protected-until';
import type { Threshold } from './thresholds';

/** What is unusual about a backup. */
export interface BackupAnomaly extends Anomaly {
	readonly backup: string;
	readonly source: string;
}

/** What the store tells of one component. */
export interface ComponentFacts {
	readonly threshold: Threshold;
	/** All of the component, newest first. */
	readonly backups: readonly BackupSummary[];
	/** The newest run of each of its series. */
	readonly runs: readonly KnownRun[];
	/** Records of newest runs that cannot be read. */
	readonly unreadableRuns: readonly FoundRun[];
	readonly now: Date;
	/** Of what looks wrecked, and what is only unusual about the newest of each series. */
	readonly anomalies: readonly BackupAnomaly[];
	/** What looks wrecked still. */
	readonly signs: readonly Sign[];
	/** To which moments servers can be recovered; `reach` tells the same of each backup. */
	readonly windows: readonly RecoveryWindow[];
	readonly reach: WalReach;
	/** Backups of which an artifact is not in the store as it was written, and what is the matter. */
	readonly lost: ReadonlyMap<string, string>;
	/** What a person said will never be backed up again, as `placeOf` has it. */
	readonly forgotten: ReadonlySet<string>;
	/** Rows, keys or files of backups, where they tell. */
	readonly rows: ReadonlyMap<string, number>;
	/** 0: it is not asked for. */
	readonly verifiedWithinDays: number;
}
