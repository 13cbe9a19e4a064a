import type { BackupChoice } from '../../catalog/find-backup';
import type { BackupSummary } from '../../catalog/summary';
import type { N8nDetails } from '../../catalog/n8n-manifest';
import type { CheckResult, StepResult } from '../../core/steps';
import type { PostgresConnection } from '../../postgres/connection-settings';
import type { Store } from '../../storage/store';

export interface RestoreN8nOptions {
	readonly store: Store;
	readonly backup: BackupChoice;
	/** Data folder of the n8n that is to become the backed-up one. */
	readonly dataFolder: string;
	readonly databaseFile: string;
	/** Where the database goes, for backups of an n8n on PostgreSQL. */
	readonly postgres: {
		readonly connection: PostgresConnection;
		readonly database: string;
		/** `existing`: it is there and empty. */
		readonly mode: 'new' | 'existing';
		/** For `existing`: the database's name, typed. */
		readonly confirmation: string;
		readonly parallelJobs: number;
	} | null;
	readonly dryRun: boolean;
	readonly confirmation: string;
	readonly replaceKey: boolean;
}

/** What a restore of n8n, or its dry run, yields. */
export interface RestoreN8nResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	readonly dataFolder: string;
	/** The file, or the database of the server, that now holds n8n's tables. */
	readonly database: string;
	/** Paths under which what was there before is kept. */
	readonly kept: string[];
	readonly checks: CheckResult[];
	/** What a dry run would do, in order; empty otherwise. */
	readonly plan: string[];
	readonly steps: StepResult[];
	/** Rows of every table, as backed up and now restored. */
	readonly counts: Readonly<Record<string, number>>;
	/** Not in a backup: to be installed again. */
	readonly communityPackages: N8nDetails['communityPackages'];
	readonly warnings: string[];
}
