import type { KnownRun } from '../catalog/known-runs';
import type { LastRun } from '../catalog/last-run';
import { DEATH, NO_HISTORY, type RunHistory } from '../catalog/run-history';
import type { BackupSummary } from '../catalog/summary';

/** One row of `backup_log`; the names are those of its columns. Times are ISO 8601 with zone. */
export interface LogRow {
	readonly backup_id: string;
	readonly component: string;
	readonly kind: string;
	readonly source: string;
	readonly status: 'success' | 'failed' | 'running';
	/** When the run began: what came after is not in the backup. */
	readonly created_at: string;
	readonly finished_at: string | null;
	readonly duration_minutes: number | null;
	/** Millions of bytes in the store. */
	readonly size_mb: number | null;
	readonly source_bytes: number | null;
	readonly stored_bytes: number | null;
	readonly store: string;
	readonly parent: string | null;
	readonly damaged: boolean;
	readonly verified_level: string | null;
	readonly verified_at: string | null;
	/** Other places that hold it. */
	readonly copies: number;
	readonly error_code: string | null;
	readonly error_message: string | null;
	readonly error_hint: string | null;
}

const NO_ERROR = { error_code: null, error_message: null, error_hint: null };

/** The row of a published backup. A damaged one was still made: what is wrong with it now is its error. */
export function rowOfBackup(summary: BackupSummary): LogRow {
	const known = summary.unreadable !== true;
	return {
		backup_id: summary.id,
		component: summary.component,
		kind: summary.kind,
		source: summary.source,
		status: 'success',
		created_at: summary.startedAt,
		finished_at: known ? summary.finishedAt : null,
		duration_minutes: known ? minutes(summary.durationSeconds) : null,
		size_mb: known ? megabytes(summary.storedBytes) : null,
		source_bytes: known ? summary.sourceBytes : null,
		stored_bytes: known ? summary.storedBytes : null,
		store: summary.store,
		parent: summary.parent,
		damaged: summary.status === 'damaged',
		verified_level: summary.verified?.level ?? null,
		verified_at: summary.verified?.at ?? null,
		copies: summary.copies.length,
		...(summary.status === 'damaged' ? { ...NO_ERROR, error_code: 'ARTIFACT_DAMAGED', error_message: summary.problem ?? null } : NO_ERROR),
	};
}

/** The row of a run that has published nothing (yet). `died`: it is recorded as running, and nobody runs it any more. */
export function rowOfRun(run: LastRun, died: boolean, store: string): LogRow {
	const failed = died || run.outcome === 'failed';
	return {
		backup_id: run.backupId,
		component: run.component,
		kind: run.kind,
		source: run.source,
		status: failed ? 'failed' : run.outcome === 'running' ? 'running' : 'success',
		created_at: run.startedAt,
		finished_at: run.finishedAt,
		duration_minutes: run.finishedAt === null ? null : minutes((Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000),
		size_mb: null,
		source_bytes: null,
		stored_bytes: null,
		store,
		parent: null,
		damaged: false,
		verified_level: null,
		verified_at: null,
		copies: 0,
		...(died
			? { error_code: DEATH.code, error_message: DEATH.message, error_hint: DEATH.hint }
			: { error_code: run.error?.code ?? null, error_message: run.error?.message ?? null, error_hint: run.error?.hint ?? null }),
	};
}

/** The row of a run that ended, from the history: it failed, or its backup is pruned since. */
function rowOfPastRun({ component, kind, source, ...run }: RunHistory['runs'][number], store: string): LogRow {
	return {
		backup_id: run.backupId,
		component,
		kind,
		source,
		status: run.outcome,
		created_at: run.startedAt,
		finished_at: run.finishedAt,
		duration_minutes: run.durationSeconds === null ? null : minutes(run.durationSeconds),
		size_mb: run.storedBytes === null ? null : megabytes(run.storedBytes),
		source_bytes: run.sourceBytes,
		stored_bytes: run.storedBytes,
		store,
		parent: null,
		damaged: false,
		verified_level: null,
		verified_at: null,
		copies: 0,
		error_code: run.error?.code ?? null,
		error_message: run.error?.message ?? null,
		error_hint: run.error?.hint ?? null,
	};
}

function minutes(seconds: number): number {
	return Math.round((seconds / 60) * 1000) / 1000;
}

function megabytes(bytes: number): number {
	return Math.round(bytes / 1000) / 1000;
}

/**
 * The rows of one store: every published backup, of each series the newest run where it has published nothing, and what the history knows
 * besides: runs that failed, and those whose backups are pruned since.
 */
export function rowsOfStore(runs: readonly KnownRun[], backups: readonly BackupSummary[], store: string, history: RunHistory = NO_HISTORY): LogRow[] {
	const rows = new Map<string, LogRow>();
	for (const run of history.runs) rows.set(run.backupId, rowOfPastRun(run, store));
	for (const { run, died } of runs) if (run.outcome !== 'success') rows.set(run.backupId, rowOfRun(run, died, store));
	for (const summary of backups) rows.set(summary.id, rowOfBackup(summary));
	return [...rows.values()];
}
