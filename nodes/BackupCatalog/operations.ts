import type { INodeProperties } from 'n8n-workflow';
import { runnable, runnableForAll } from '../shared/execute';
import { beginRecoveryOperation } from './begin-recovery.operation';
import { checkAlertsOperation, recordAlertsOperation } from './alerts.operation';
import { cleanUpOperation } from './clean-up.operation';
import { copyWalOperation } from './copy-wal.operation';
import { copyOperation } from './copy.operation';
import { forgetScheduleOperation, forgetSeriesOperation } from './forget.operations';
import { listOperation } from './list.operation';
import { chooseRecoveryPointOperation } from './choose-recovery-point.operation';
import { listRecoveryPointsOperation } from './list-recovery-points.operation';
import { nextStageOperation } from './next-stage.operation';
import { readRecoveryOperation } from './read-recovery.operation';
import { recordStageOperation } from './record-stage.operation';
import { breakGlassKitOperation } from './break-glass-kit.operation';
import { logOperation, rebuildLogOperation } from './log.operation';
import { pruneOperation } from './prune.operation';
import { pruneWalOperation } from './prune-wal.operation';
import { retentionHoldOperation } from './retention-hold.operation';
import { cleanPointsOperation, forensicsOperation, lockStatesOperation, recoveryForecastOperation } from './attack.operations';
import { dashboardOperation, overdueOperation, statusOperation } from './status.operation';
import { reportOperation } from './report.operation';
import { recordRecoveryPointOperation } from './record-recovery-point.operation';
import { missedRunsOperation, recordStartOperation, recordSuccessOperation } from './record-success.operation';

/** What the node can do, by the value of its field *Operation*. */
export const operations = {
	list: runnable(listOperation),
	prune: runnable(pruneOperation),
	cleanUp: runnable(cleanUpOperation),
	copy: runnable(copyOperation),
	copyWal: runnable(copyWalOperation),
	pruneWal: runnable(pruneWalOperation),
	recordRecoveryPoint: runnableForAll(recordRecoveryPointOperation),
	listRecoveryPoints: runnable(listRecoveryPointsOperation),
	chooseRecoveryPoint: runnable(chooseRecoveryPointOperation),
	beginRecovery: runnable(beginRecoveryOperation),
	nextStage: runnableForAll(nextStageOperation),
	recordStage: runnableForAll(recordStageOperation),
	readRecovery: runnable(readRecoveryOperation),
	breakGlassKit: runnable(breakGlassKitOperation),
	log: runnable(logOperation),
	rebuildLog: runnable(rebuildLogOperation),
	retentionHold: runnable(retentionHoldOperation),
	forgetSeries: runnable(forgetSeriesOperation),
	forgetSchedule: runnable(forgetScheduleOperation),
	lockStates: runnable(lockStatesOperation),
	cleanPoints: runnable(cleanPointsOperation),
	forensics: runnable(forensicsOperation),
	recoveryForecast: runnable(recoveryForecastOperation),
	status: runnable(statusOperation),
	dashboard: runnable(dashboardOperation),
	report: runnable(reportOperation),
	checkAlerts: runnable(checkAlertsOperation),
	recordAlerts: runnableForAll(recordAlertsOperation),
	recordSuccess: runnable(recordSuccessOperation),
	recordStart: runnable(recordStartOperation),
	missedRuns: runnable(missedRunsOperation),
	overdue: runnable(overdueOperation),
};

/** The fields of all of them; each shows with its own operation alone. */
export const operationProperties: INodeProperties[] = [
	...listOperation.properties,
	...pruneOperation.properties,
	...cleanUpOperation.properties,
	...copyOperation.properties,
	...copyWalOperation.properties,
	...pruneWalOperation.properties,
	...recordRecoveryPointOperation.properties,
	...listRecoveryPointsOperation.properties,
	...chooseRecoveryPointOperation.properties,
	...beginRecoveryOperation.properties,
	...nextStageOperation.properties,
	...recordStageOperation.properties,
	...readRecoveryOperation.properties,
	...breakGlassKitOperation.properties,
	...logOperation.properties,
	...retentionHoldOperation.properties,
	...forgetSeriesOperation.properties,
	...forgetScheduleOperation.properties,
	...lockStatesOperation.properties,
	...cleanPointsOperation.properties,
	...forensicsOperation.properties,
	...recoveryForecastOperation.properties,
	...statusOperation.properties,
	...dashboardOperation.properties,
	...reportOperation.properties,
	...checkAlertsOperation.properties,
	...recordAlertsOperation.properties,
	...recordSuccessOperation.properties,
];
