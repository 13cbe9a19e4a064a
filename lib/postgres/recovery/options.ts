import type { BackupSummary } from '../../catalog/summary';
import type { CheckResult, StepResult } from '../../core/steps';
import type { Store } from '../../storage/store';
import type { PostgresConnection } from '../connection-settings';
import type { CoveredWindow } from '../wal/covered-window';
import type { Reached } from './recovery-folder';
import type { RecoveryTarget } from './target';

/** `newest`: the newest that ended before the target and from which WAL leads there. */
export type BaseChoice = { readonly by: 'newest'; readonly source?: string } | { readonly by: 'id'; readonly id: string };

/**
 * `startHere`: a server of this machine recovers, on a private socket. `handOver`: the container `postgres-recovery`, which sees the same folder, does.
 * `prepareOnly`: everything is laid out, and a person starts it.
 */
export type RecoveryDestination =
	| { readonly mode: 'startHere'; readonly serverFolder: string }
	| { readonly mode: 'handOver'; readonly connection: PostgresConnection; readonly waitSeconds: number }
	| { readonly mode: 'prepareOnly' };

export interface RecoverOptions {
	readonly store: Store;
	readonly base: BaseChoice;
	readonly target: RecoveryTarget;
	/** Stop just after the target (a commit at exactly that time is in), or just before it. */
	readonly inclusive: boolean;
	/** The timeline to follow; null: the newest one that the base backup leads to. */
	readonly timeline: number | null;
	/** Absolute; does not exist yet, or is empty. */
	readonly folder: string;
	readonly destination: RecoveryDestination;
	/** A superuser of the recovered server; empty: found by itself. */
	readonly user: string;
	/** Read every table and index afterwards, with the extension amcheck where the server has it. */
	readonly checkPages: boolean;
	readonly dryRun: boolean;
}

/** What WAL covers after a base backup. */
export interface RecoveryWindow extends Omit<CoveredWindow, 'timeline'> {
	/** Something is missing there, and later WAL is archived. */
	readonly gap: boolean;
}

export interface RecoverResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	/** Every backup that is read, the full one first. */
	readonly chain: string[];
	readonly folder: string;
	readonly target: RecoveryTarget;
	readonly window: RecoveryWindow;
	/** How to connect to the recovered server: without a password from this machine (a socket's folder), or over the network; null: it was not started. */
	readonly server: { readonly host: string; readonly port: number; readonly user: string } | null;
	readonly reached: Reached | null;
	/** Databases of the recovered server. */
	readonly databases: string[];
	readonly checks: CheckResult[];
	/** What a dry run would do, in order; empty otherwise. */
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly warnings: string[];
}
