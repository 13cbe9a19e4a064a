import { z } from 'zod';
import { cleanUpJob, listBackupsJob, pruneJob, restoreDrillJob, testStoreJob, verifyIntegrityJob } from './catalog-jobs';
import { copyWalJob, pruneWalJob, verifyContinuityJob } from './archived-wal-jobs';
import { archiveFilesJob, filesDrillJob, restoreFilesJob } from './files-jobs';
import { testEncryptionJob } from './encryption-jobs';
import { compareDatabasesJob } from './compare-job';
import { checkAlertsJob, checkWorkflowAlertJob, missedRunsJob, recordAlertsJob, recordStartJob, recordSuccessJob } from './alert-jobs';
import { dashboardJob, forgetScheduleJob, forgetSeriesJob, logJob, monthlyReportJob, retentionHoldJob, statusJob } from './log-jobs';
import { applyPatchJob, askDamagedJob, diffRowsJob, findIncidentJob } from './incident-jobs';
import { crossCheckJob } from './cross-check-job';
import { chooseRecoveryPointJob, copyJob, listRecoveryPointsJob, recordRecoveryPointJob } from './copy-jobs';
import { writeKitJob } from './kit-jobs';
import { cleanPointsJob, forecastRtoJob, forensicsJob, lockStatesJob } from './attack-jobs';
import { backupN8nJob, exportWorkflowsJob, n8nDrillJob, restoreN8nJob } from './n8n-jobs';
import { baseBackupJob, replicationPreflightJob } from './basebackup-jobs';
import { dumpDatabaseJob, dumpGlobalsJob, extractChangedRowsJob } from './postgres-backup-jobs';
import { listDatabasesJob, listSchemasJob, listTablesJob, preflightJob, testConnectionJob } from './postgres-lookup-jobs';
import { recoverJob, recoveryDrillJob, replaceFromRecoveredJob, stopRecoveredJob } from './recover-jobs';
import { beginRecoveryJob, nextStageJob, readRecoveriesJob, recordStageJob } from './recovery-journal-jobs';
import { archiveWalJob, streamWalJob } from './wal-jobs';
import { redisDrillJob, restoreRedisJob, snapshotRedisJob, testRedisJob } from './redis-jobs';
import { dropPreviousJob, fenceJob, restoreDatabaseJob, undoSwapJob } from './postgres-restore-jobs';

/** Every job there is. A job is plain data; whatever runs it (a node, the command line) checks it against this schema first. */
export const jobSchema = z.discriminatedUnion('kind', [
	dumpDatabaseJob,
	dumpGlobalsJob,
	extractChangedRowsJob,
	baseBackupJob,
	replicationPreflightJob,
	archiveWalJob,
	streamWalJob,
	restoreDatabaseJob,
	undoSwapJob,
	fenceJob,
	dropPreviousJob,
	compareDatabasesJob,
	testConnectionJob,
	preflightJob,
	listDatabasesJob,
	listSchemasJob,
	listTablesJob,
	archiveFilesJob,
	restoreFilesJob,
	filesDrillJob,
	testStoreJob,
	testEncryptionJob,
	listBackupsJob,
	pruneJob,
	cleanUpJob,
	copyJob,
	pruneWalJob,
	copyWalJob,
	writeKitJob,
	statusJob,
	dashboardJob,
	monthlyReportJob,
	retentionHoldJob,
	forgetSeriesJob,
	forgetScheduleJob,
	lockStatesJob,
	cleanPointsJob,
	forensicsJob,
	forecastRtoJob,
	checkAlertsJob,
	checkWorkflowAlertJob,
	recordAlertsJob,
	recordSuccessJob,
	recordStartJob,
	missedRunsJob,
	logJob,
	recordRecoveryPointJob,
	listRecoveryPointsJob,
	chooseRecoveryPointJob,
	beginRecoveryJob,
	nextStageJob,
	recordStageJob,
	readRecoveriesJob,
	crossCheckJob,
	verifyIntegrityJob,
	verifyContinuityJob,
	restoreDrillJob,
	recoverJob,
	stopRecoveredJob,
	replaceFromRecoveredJob,
	recoveryDrillJob,
	findIncidentJob,
	askDamagedJob,
	diffRowsJob,
	applyPatchJob,
	testRedisJob,
	snapshotRedisJob,
	restoreRedisJob,
	backupN8nJob,
	restoreN8nJob,
	exportWorkflowsJob,
	n8nDrillJob,
	redisDrillJob,
]);

/** A checked job, defaults filled in. */
export type Job = z.output<typeof jobSchema>;
/** A job as callers write it. */
export type JobInput = z.input<typeof jobSchema>;
export type JobKind = Job['kind'];
export type JobOf<K extends JobKind> = Extract<Job, { kind: K }>;
