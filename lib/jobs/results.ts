import type { BackupSummary } from '../catalog/summary';
import type { TableName } from '../catalog/postgres-manifest';
import type { VerificationLevel } from '../catalog/verification';
import type { RetentionDecision } from '../retention/plan';
import type { JobKind } from './schema/job';

/** One precondition and whether it holds. `hint` says what to do where it does not. */
export interface CheckResult {
	readonly check: string;
	readonly state: 'passed' | 'warning' | 'failed';
	readonly detail: string;
	readonly hint?: string;
}

/** A finished step of a longer job, for tables that people read. */
export interface StepResult {
	readonly step: string;
	readonly seconds: number;
	readonly detail: string;
}

/** One table of the proof, before and after. */
export interface TableComparison {
	readonly schema: string;
	readonly name: string;
	readonly expectedRows: number;
	/** null: the table is not there. */
	readonly actualRows: number | null;
	/** undefined where the backup holds no fingerprint. */
	readonly contentEqual?: boolean;
	readonly equal: boolean;
}

export interface BackupResult {
	readonly backup: BackupSummary;
}

export interface RestoreResult {
	readonly dryRun: boolean;
	readonly backup: BackupSummary;
	/** The database that now holds the restored data. */
	readonly database: string;
	/** The one that was live before a swap, kept under this name. */
	readonly previousDatabase: string | null;
	readonly checks: CheckResult[];
	/** What a dry run would do, in order; empty otherwise. */
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
	/** Milliseconds during which no client could connect to the live name; null where nothing was swapped. */
	readonly outageMilliseconds: number | null;
	readonly warnings: string[];
}

export interface SwapResult {
	readonly dryRun: boolean;
	readonly plan: string[];
	readonly database: string;
	readonly previousDatabase: string | null;
	readonly dropped: string | null;
}

export interface VerifyResult {
	readonly backup: BackupSummary;
	readonly level: VerificationLevel;
	readonly passed: true;
	readonly at: string;
	readonly durationSeconds: number;
	readonly detail: string;
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
}

export interface Leftover {
	readonly key: string;
	readonly bytes: number;
	readonly reason: string;
}

/** What each job yields. A job that cannot do what was asked rejects with a `BackupError` instead. */
export interface JobResults {
	'postgres.dumpDatabase': BackupResult;
	'postgres.dumpGlobals': BackupResult;
	'postgres.extractChangedRows': BackupResult;
	'postgres.restoreDatabase': RestoreResult;
	'postgres.undoSwap': SwapResult;
	'postgres.dropPrevious': SwapResult;
	'postgres.testConnection': { readonly serverVersion: string; readonly user: string };
	'postgres.preflight': { readonly ready: boolean; readonly checks: CheckResult[] };
	'postgres.listDatabases': { readonly databases: string[] };
	'postgres.listSchemas': { readonly schemas: string[] };
	'postgres.listTables': { readonly tables: TableName[] };
	'store.test': { readonly store: string; readonly freeBytes: number | null };
	'catalog.list': { readonly backups: BackupSummary[] };
	'catalog.prune': {
		readonly applied: boolean;
		readonly decisions: RetentionDecision[];
		readonly deleted: string[];
		readonly freedBytes: number;
	};
	'catalog.cleanUp': { readonly applied: boolean; readonly leftovers: Leftover[]; readonly freedBytes: number };
	'verify.integrity': VerifyResult;
	'verify.restoreDrill': VerifyResult;
}

export type ResultOf<K extends JobKind> = JobResults[K];
