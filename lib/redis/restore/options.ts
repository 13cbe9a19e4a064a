import type { BackupChoice } from '../../catalog/find-backup';
import type { BackupSummary } from '../../catalog/summary';
import type { VerificationLevel } from '../../catalog/verification';
import type { CheckResult, StepResult } from '../../core/steps';
import type { Store } from '../../storage/store';
import type { RedisAddress, RedisConnection } from '../connection-settings';

/** How a backup is put back. Same shape as the jobs' `redisRestoreTargetSchema`. */
export type RedisRestoreTarget =
	| {
			/** Key by key into a running server. */
			readonly mode: 'keys';
			/** What happens to a key of the target that the backup has as well. */
			readonly existing: 'keep' | 'overwrite';
			/** Patterns of Redis; empty: all keys. */
			readonly patterns: readonly string[];
			/** Empty: all. */
			readonly databases: readonly number[];
			/** `skip`: libraries of functions are not restored. */
			readonly functions: 'restore' | 'skip';
	  }
	| {
			/** All data of a running server is replaced at once: it becomes a replica of this job for a moment. */
			readonly mode: 'replace';
			/** Where this job listens; port 0: any free one. */
			readonly listen: RedisAddress;
			/** The address under which the target reaches `listen`; empty host: the same, port 0: the one that is listened on. */
			readonly announce: RedisAddress;
	  }
	| {
			/** A file that Redis can load at its start. */
			readonly mode: 'file';
			/** An absolute path of a folder that exists. */
			readonly folder: string;
	  };

export interface RedisRestoreOptions {
	readonly store: Store;
	/** Not needed for a file. */
	readonly connection: RedisConnection | null;
	readonly backup: BackupChoice;
	readonly target: RedisRestoreTarget;
	readonly minimumVerification: 'none' | VerificationLevel;
	readonly dryRun: boolean;
	readonly confirmation: string;
}

export interface DatabaseComparison {
	readonly database: number;
	/** Keys that must be there. */
	readonly expected: number;
	readonly found: number;
	/** Of the expected ones, those whose time passed meanwhile, so that they may be gone. */
	readonly mayHaveExpired: number;
	readonly equal: boolean;
}

/** What a restore, or its dry run, yields. */
export interface RedisRestoreResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	/** The server or the folder. */
	readonly target: string;
	readonly checks: CheckResult[];
	/** What a dry run would do; for a file, what is to be done with it. */
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly restored: number;
	/** Keys of the target that were kept as they were. */
	readonly kept: number;
	/** Keys of the backup whose time had passed. */
	readonly expired: number;
	/** Keys of the backup that were not chosen. */
	readonly notChosen: number;
	readonly functionLibraries: number;
	readonly files: string[];
	readonly comparison: DatabaseComparison[];
	readonly warnings: string[];
}
