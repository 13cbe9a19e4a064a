import type { OpenAlert } from '../alerts/alert-state';
import type { CheckedAlerts } from '../alerts/check-alerts';
import type { ExpectedRun } from '../catalog/expected-runs';
import type { StartedRun } from '../catalog/started-runs';
import type { RecoveryPointSummary } from '../catalog/recovery-point-summary';
import type { RecoverySummary } from '../catalog/recovery-summary';
import type { RetentionHold } from '../catalog/retention-hold';
import type { BackupSummary } from '../catalog/summary';
import type { LockStates } from '../catalog/lock-state';
import type { ForensicsResult } from '../forensics/collect-evidence';
import type { RtoForecast } from '../report/forecast-rto';
import type { CleanPoints } from '../status/clean-points';
import type { KitResult } from '../break-glass/write-kit';
import type { TableName } from '../catalog/postgres-manifest';
import type { CopyOutcome } from '../copy/copy-backups';
import type { CopyWalOutcome } from '../copy/copy-wal';
import type { CheckResult } from '../core/steps';
import type { ExportedWorkflow } from '../n8n/export-workflows';
import type { MirrorResult } from '../log/mirror-store';
import type { RestoreN8nResult } from '../n8n/restore/options';
import type { KeyTrial } from '../pipeline/try-keys';
import type { RestoreFilesResult } from '../files/restore/options';
import type { PointChoice } from '../recovery/choose-point';
import type { CrossCheckResult } from '../recovery/cross-check/cross-check';
import type { Advance, BegunRecovery } from '../recovery/journal';
import type { DatabaseComparison } from '../postgres/compare-databases';
import type { FindIncidentResult } from '../postgres/recovery/incident/options';
import type { RecoverResult } from '../postgres/recovery/options';
import type { ReplaceResult } from '../postgres/recovery/replace-from-recovered';
import type { StopRecoveredResult } from '../postgres/recovery/stop-recovered';
import type { ApplyPatchResult, RowDiffResult } from '../postgres/row-diff/options';
import type { ArchiveWalResult } from '../postgres/wal/archive-wal';
import type { StreamWalResult, WalItem } from '../postgres/wal/stream-items';
import type { FenceResult } from '../postgres/restore/fence';
import type { RestoreResult, SwapResult } from '../postgres/restore/result';
import type { RedisRestoreResult } from '../redis/restore/options';
import type { RedisConnectionTest } from '../redis/test-connection';
import type { RetentionDecision } from '../retention/plan';
import type { DashboardResult } from '../report/read-dashboard';
import type { MonthlyReportResult } from '../report/read-monthly-report';
import type { PruneWalOutcome } from '../retention/prune-wal';
import type { ForgetSeriesResult } from '../catalog/forgotten-series';
import type { StatusResult } from '../status/read-status';
import type { VerifyResult } from '../verify/result';
import type { ContinuityResult } from '../verify/verify-continuity';
import type { JobKind } from './schema/job';

export type { KitResult, RestoreFilesResult };
export type { ContinuityResult, CopyWalOutcome, PruneWalOutcome };
export type { DatabaseComparison };
export type { CheckResult, CopyOutcome, CrossCheckResult, RecoveryPointSummary, RedisRestoreResult, RestoreResult, SwapResult, VerifyResult };
export type { FenceResult, RecoverResult, ReplaceResult, StopRecoveredResult };
export type { ApplyPatchResult, FindIncidentResult, RowDiffResult };
export type { ArchiveWalResult, StreamWalResult, WalItem };
export type { Advance, BegunRecovery, RecoverySummary };
export type { ExportedWorkflow, RestoreN8nResult };

export interface BackupResult {
	readonly backup: BackupSummary;
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
	'postgres.baseBackup': BackupResult;
	'postgres.replicationPreflight': { readonly ready: boolean; readonly checks: CheckResult[] };
	'postgres.archiveWal': ArchiveWalResult;
	'postgres.streamWal': StreamWalResult;
	'postgres.restoreDatabase': RestoreResult;
	'postgres.fence': FenceResult;
	'postgres.undoSwap': SwapResult;
	'postgres.dropPrevious': SwapResult;
	'postgres.compareDatabases': DatabaseComparison;
	'postgres.recover': RecoverResult;
	'postgres.stopRecovered': StopRecoveredResult;
	'postgres.replaceFromRecovered': ReplaceResult;
	'postgres.findIncident': FindIncidentResult;
	'postgres.askDamaged': { readonly damaged: boolean; readonly askedAt: string };
	'postgres.diffRows': RowDiffResult;
	'postgres.applyPatch': ApplyPatchResult;
	'verify.recoveryDrill': VerifyResult;
	'postgres.testConnection': { readonly serverVersion: string; readonly user: string };
	'postgres.preflight': { readonly ready: boolean; readonly checks: CheckResult[] };
	'postgres.listDatabases': { readonly databases: string[] };
	'postgres.listSchemas': { readonly schemas: string[] };
	'postgres.listTables': { readonly tables: TableName[] };
	'redis.testConnection': RedisConnectionTest;
	'redis.snapshot': BackupResult;
	'redis.restore': RedisRestoreResult;
	'store.test': { readonly store: string; readonly freeBytes: number | null };
	'encryption.test': KeyTrial;
	'catalog.list': { readonly backups: BackupSummary[] };
	'catalog.prune': {
		readonly applied: boolean;
		readonly decisions: RetentionDecision[];
		readonly deleted: string[];
		readonly freedBytes: number;
		readonly deletedRecoveryPoints: string[];
		readonly hold: RetentionHold | null;
	};
	'catalog.cleanUp': { readonly applied: boolean; readonly leftovers: Leftover[]; readonly freedBytes: number };
	'catalog.copy': CopyOutcome;
	'catalog.retentionHold': { readonly hold: RetentionHold | null; readonly lifted: RetentionHold | null };
	'catalog.forgetSeries': ForgetSeriesResult;
	'catalog.forgetSchedule': { readonly forgottenSchedule: string };
	'catalog.lockStates': LockStates;
	'catalog.cleanPoints': CleanPoints;
	'forensics.collect': ForensicsResult;
	'recovery.forecast': RtoForecast;
	'catalog.dashboard': DashboardResult;
	'catalog.monthlyReport': MonthlyReportResult;
	'catalog.pruneWal': PruneWalOutcome;
	'catalog.copyWal': CopyWalOutcome;
	'breakGlass.write': KitResult;
	'catalog.status': StatusResult;
	'catalog.log': MirrorResult;
	'catalog.recordSuccess': { readonly expected: ExpectedRun };
	'catalog.recordStart': { readonly started: StartedRun };
	'catalog.missedRuns': { readonly missed: ExpectedRun[] };
	'alerts.checkStore': CheckedAlerts;
	'alerts.checkWorkflow': CheckedAlerts;
	'alerts.record': { readonly open: OpenAlert[] };
	'recovery.record': { readonly recoveryPoint: RecoveryPointSummary };
	'recovery.begin': BegunRecovery;
	'recovery.next': Advance;
	'recovery.note': { readonly recovery: RecoverySummary };
	'recovery.read': { readonly recoveries: RecoverySummary[] };
	'recovery.crossCheck': CrossCheckResult;
	'recovery.choose': PointChoice;
	'recovery.list': { readonly recoveryPoints: RecoveryPointSummary[] };
	'files.archive': BackupResult;
	'files.restore': RestoreFilesResult;
	'verify.filesDrill': VerifyResult;
	'verify.integrity': VerifyResult;
	'verify.continuity': ContinuityResult;
	'verify.restoreDrill': VerifyResult;
	'n8n.backup': BackupResult;
	'n8n.restore': RestoreN8nResult;
	'n8n.exportWorkflows': { readonly backup: BackupSummary; readonly workflows: ExportedWorkflow[] };
	'verify.n8nDrill': VerifyResult;
	'verify.redisDrill': VerifyResult;
}

export type ResultOf<K extends JobKind> = JobResults[K];

/** What jobs that go on for long tell meanwhile. */
export interface JobItems {
	'postgres.streamWal': WalItem;
}

export type ItemOf<K extends JobKind> = K extends keyof JobItems ? JobItems[K] : never;
