import type { Component } from '../../catalog/component';
import type { BackupChoice } from '../../catalog/find-backup';
import type { BackupSummary } from '../../catalog/summary';
import type { CheckResult, StepResult } from '../../core/steps';
import type { Store } from '../../storage/store';

/** Which files that are there already give way: none, those last changed before the backed-up one was, or all that differ. */
export const OVERWRITE_POLICIES = ['never', 'older', 'always'] as const;
export type OverwritePolicy = (typeof OVERWRITE_POLICIES)[number];

/** Whose the restored files are: by number, by name where this machine knows it, or the job's user. */
export const OWNER_POLICIES = ['numbers', 'names', 'none'] as const;
export type OwnerPolicy = (typeof OWNER_POLICIES)[number];

export interface RestoreFilesOptions {
	readonly store: Store;
	readonly component: Component;
	readonly backup: BackupChoice;
	/** Absolute. */
	readonly folder: string;
	/** `beside`: a folder that does not exist yet, or is empty. `inPlace`: the live one. */
	readonly mode: 'beside' | 'inPlace';
	/** Patterns as for archives; empty: everything. */
	readonly include: readonly string[];
	readonly exclude: readonly string[];
	readonly overwrite: OverwritePolicy;
	/** Put behind the name of everything but folders, e.g. `.restored`; empty: none. */
	readonly suffix: string;
	/** In place, without patterns: move what the backup does not know to the folder of replaced things. */
	readonly removeUnknown: boolean;
	readonly owner: OwnerPolicy;
	readonly dryRun: boolean;
	/** In place: the name of the folder, as typed by a person. */
	readonly confirmation: string;
}

export interface FilesToRestore {
	readonly create: number;
	readonly replace: number;
	/** Equal already. */
	readonly same: number;
	/** Left as they are, as the policy says. */
	readonly keep: number;
	readonly folders: number;
	readonly links: number;
	/** To be written. */
	readonly bytes: number;
	/** In the target and not in the backup; counted only where they are to be removed. */
	readonly unknown: number;
}

/** What a restore of files, or its dry run, yields. */
export interface RestoreFilesResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	/** Every backup that is read, the full one first. */
	readonly chain: string[];
	readonly folder: string;
	readonly mode: 'beside' | 'inPlace';
	readonly files: FilesToRestore;
	/** Where replaced things are kept; null where nothing was. */
	readonly keptFolder: string | null;
	readonly checks: CheckResult[];
	/** What a dry run would do, in order; empty otherwise. */
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly warnings: string[];
}
