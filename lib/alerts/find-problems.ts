import type { Component } from '../catalog/component';
import type { ExpectedRun } from '../catalog/expected-runs';
import { seriesOf } from '../catalog/series';
import { shortened } from '../core/words';
import type { ComponentStatus } from '../status/component-status';
import { type Finding, RUNBOOKS } from '../status/finding';
import type { StatusResult } from '../status/read-status';
import type { OpenAlert } from './alert-state';
import { problemOf } from './decide-alerts';
import { causeOf, LONGEST, type Problem, SCHEDULE_PREFIX, type Severity, WORKFLOW_PREFIX } from './problem';

/** What is wrong in a store, one problem for each cause. Pure. */
export function findProblems(status: StatusResult, open: readonly OpenAlert[]): Problem[] {
	const found = [...status.components.flatMap(ofComponent), ...status.overdue.map(ofSchedule), ...(status.unreadableSchedules ?? []).map(ofRecord), ...ofHold(status), ...ofWorkflows(open, status.schedules)];
	// Errors quote what others wrote, at any length; one that is too long must not keep all the others from being remembered.
	return found.map((problem) => ({ ...problem, title: shortened(problem.title, LONGEST.title), what: shortened(problem.what, LONGEST.what), advice: shortened(problem.advice ?? '', LONGEST.advice) }));
}

/**
 * Whether this look can tell that the problem is over: its component was looked at, no run is going on that may fail again, and the record can be read.
 * @param lookedAt components; empty: all
 */
export function canJudge(key: string, { components, unreadableSchedules }: Pick<StatusResult, 'components' | 'unreadableSchedules'>, lookedAt: readonly Component[]): boolean {
	const [kind, name = ''] = key.split('/');
	if (kind !== 'component') return unreadableSchedules === undefined || !key.startsWith(SCHEDULE_PREFIX);
	if (lookedAt.length > 0 && !lookedAt.some((component) => component === name)) return false;
	const running = components.find(({ component }) => component === name)?.running ?? [];
	return !running.some(({ kind: ofRun, source }) => components.some(({ component }) => key === `component/${component}/failed/${seriesOf({ component, kind: ofRun, source })}`));
}

function ofComponent({ component, label, findings }: ComponentStatus): Problem[] {
	return findings.map((finding) => ({
		key: ['component', component, keyKind(finding), finding.about].filter(Boolean).join('/'),
		...wordsFor(label, finding),
		runbook: finding.runbook,
		cause: finding.kind === 'failed' ? causeOf(finding.reason) : '',
		...(finding.since !== null && { began: finding.since }),
		...(finding.wellAt !== null && { wellAt: finding.wellAt }),
	}));
}

/** What becomes one another while it lasts is one trouble. */
function keyKind({ kind }: Finding): string {
	switch (kind) {
		case 'missing':
			return 'stale';
		case 'died':
			return 'failed';
		case 'lost':
			return 'damaged';
		default:
			return kind;
	}
}

function wordsFor(label: string, { kind, state, reason, hint }: Finding): Pick<Problem, 'severity' | 'title' | 'what' | 'advice'> {
	const severity: Severity = state === 'CRITICAL' ? 'critical' : 'warning';
	const problem = (title: string, advice: string) => ({ severity, title: `${label}: ${title}`, what: reason, advice: hint === '' ? advice : hint });
	switch (kind) {
		case 'missing':
			return problem('there is no backup', 'Run Backup: Full by hand, and look at why nothing was backed up.');
		case 'stale':
			return problem('the newest backup is too old', 'Look whether the backup workflow is published and its last run succeeded; run it by hand.');
		case 'series':
			return problem('something is no longer backed up', 'Look whether its backup workflow still runs. When it is gone for good, say so with Backup Catalog: Forget Series.');
		case 'future':
			return problem('a backup is dated in the future', 'Set the clock of the machine that made it, and of the one that runs n8n; then run the backup by hand.');
		case 'unverified':
			return problem('no backup was verified for long', 'Run Verify Backup by hand, and look whether the workflows that verify still run.');
		case 'died':
			return problem('a backup run died', 'Look whether n8n or the machine was restarted; run the backup by hand.');
		case 'failed':
			return problem('a backup run failed', 'Open the failed execution in n8n, mend the cause, run the backup by hand. When it will never run again, say so with Backup Catalog: Forget Series.');
		case 'damaged':
			return problem('a backup is damaged', 'Do not restore from it. Check the copies in the other places, take a new backup now, and look at the disk.');
		case 'lost':
			return problem('a backup is incomplete', 'Somebody or something has removed or changed a part of it. Take a new backup now, bring the part back from a copy in another place, and find out who did it.');
		case 'chain':
			return problem('the newest backup cannot be restored', 'Take a new full backup now. Bring what is missing back from a copy in another place.');
		case 'gap':
			return problem('the archived WAL has a gap', 'Bring the missing segment back from a copy of the store; otherwise take a new base backup now.');
		case 'unlike':
			return problem('a backup is unlike those before it', 'Find out what changed before anything is deleted: a mass delete or ransomware looks like this. Retention is on hold until a person lifts it; whoever does says that all is well.');
		case 'unreadable':
			return problem('a record cannot be read', 'Look at the store: something else writes there, or its disk fails. The next run, or the next check of that backup, writes the record anew.');
	}
}

function ofSchedule({ id, name, succeededAt, nextBy }: ExpectedRun): Problem {
	return {
		key: SCHEDULE_PREFIX + id,
		severity: 'critical',
		title: `${name}: did not run when it should have`,
		what: `Its last success was at ${succeededAt}; the next was expected by ${nextBy}.`,
		advice: 'Look whether n8n runs and the workflow is published; then run it by hand. When it is gone for good, say so with Backup Catalog: Forget Schedule.',
		runbook: 'docs/alerts.md#a-schedule-did-not-run',
		began: nextBy,
		wellAt: succeededAt,
	};
}

function ofRecord(key: string): Problem {
	return {
		key: `unreadable/${key}`,
		severity: 'warning',
		title: 'The record of a schedule cannot be read',
		what: `${key} is not as this package writes it: whether that schedule still runs is not known.`,
		advice: 'Look at the store: something else writes there, or its disk fails. The next success of that workflow writes the record anew; when it is gone for good, delete the object.',
		runbook: RUNBOOKS.unreadable,
	};
}

function ofHold({ hold }: StatusResult): Problem[] {
	if (!hold) return [];
	return [
		{
			key: 'retention-hold',
			severity: 'warning',
			title: 'Retention is on hold',
			what: `Since ${hold.since} nothing is deleted: ${hold.reason}`,
			advice: 'When the reason is understood, lift it with Backup Catalog: Retention Hold. Until then watch the free space.',
			runbook: 'docs/anomalies.md#when-it-alarms',
			began: hold.since,
			wellAt: hold.since,
		},
	];
}

/** What a workflow's error told lasts until that workflow has succeeded. */
function ofWorkflows(open: readonly OpenAlert[], schedules: readonly ExpectedRun[]): Problem[] {
	return open.flatMap((alert) => {
		if (!alert.key.startsWith(WORKFLOW_PREFIX)) return [];
		const success = schedules.find(({ id }) => alert.key === WORKFLOW_PREFIX + id);
		return success && Date.parse(success.succeededAt) > Date.parse(alert.since) ? [] : [problemOf(alert)];
	});
}
