import type { ExpectedRun } from '../catalog/expected-runs';
import type { ComponentStatus, Finding } from '../status/component-status';
import type { StatusResult } from '../status/read-status';
import type { OpenAlert } from './alert-state';
import { type Problem, type Severity, WORKFLOW_PREFIX } from './problem';

/** What is wrong in a store, one problem for each cause. Pure. */
export function findProblems(status: StatusResult, open: readonly OpenAlert[]): Problem[] {
	return [...status.components.flatMap(ofComponent), ...status.overdue.map(ofSchedule), ...ofHold(status), ...ofWorkflows(open, status.schedules)];
}

/** Whether a look at these components can tell that the problem is over. */
export function canJudge(key: string, components: readonly string[]): boolean {
	const [kind, name = ''] = key.split('/');
	return kind !== 'component' || components.includes(name);
}

function ofComponent({ component, label, findings }: ComponentStatus): Problem[] {
	return findings.map((finding) => ({ key: ['component', component, keyKind(finding), finding.about].filter(Boolean).join('/'), ...wordsFor(label, finding) }));
}

/** Missing and stale are one trouble that gets worse. */
function keyKind({ kind }: Finding): string {
	return kind === 'missing' ? 'stale' : kind;
}

function wordsFor(label: string, { kind, state, reason, hint }: Finding): Omit<Problem, 'key'> {
	const severity: Severity = state === 'CRITICAL' ? 'critical' : 'warning';
	const problem = (title: string, advice: string) => ({ severity, title: `${label}: ${title}`, what: reason, advice: hint === '' ? advice : hint });
	switch (kind) {
		case 'missing':
			return problem('there is no backup', 'Run Backup: Full by hand, and look at why nothing was backed up.');
		case 'stale':
			return problem('the newest backup is too old', 'Look whether the backup workflow is published and its last run succeeded; run it by hand.');
		case 'series':
			return problem('something is no longer backed up', 'Look whether its backup workflow still runs; delete its old backups when it is gone for good.');
		case 'died':
			return problem('a backup run died', 'Look whether n8n or the machine was restarted; run the backup by hand.');
		case 'failed':
			return problem('a backup run failed', 'Open the failed execution in n8n, mend the cause, run the backup by hand.');
		case 'damaged':
			return problem('a backup is damaged', 'Do not restore from it. Check the copies in the other places, take a new backup now, and look at the disk.');
		case 'gap':
			return problem('the archived WAL has a gap', 'Bring the missing segment back from a copy of the store; otherwise take a new base backup now.');
		case 'unlike':
			return problem('a backup is unlike those before it', 'Find out what changed before anything is deleted: a mass delete or ransomware looks like this. Retention is on hold until a person lifts it.');
	}
}

function ofSchedule({ id, name, succeededAt, nextBy }: ExpectedRun): Problem {
	return {
		key: `schedule/${id}`,
		severity: 'critical',
		title: `${name}: did not run when it should have`,
		what: `Its last success was at ${succeededAt}; the next was expected by ${nextBy}.`,
		advice: 'Look whether n8n runs and the workflow is published; then run it by hand.',
	};
}

function ofHold({ hold }: StatusResult): Problem[] {
	if (!hold) return [];
	return [{ key: 'retention-hold', severity: 'warning', title: 'Retention is on hold', what: `Since ${hold.since} nothing is deleted: ${hold.reason}`, advice: 'When the reason is understood, lift it with Backup Catalog: Retention Hold. Until then watch the free space.' }];
}

/** What a workflow's error told lasts until that workflow has succeeded. */
function ofWorkflows(open: readonly OpenAlert[], schedules: readonly ExpectedRun[]): Problem[] {
	return open.flatMap(({ key, severity, title, what, advice, since }) => {
		if (!key.startsWith(WORKFLOW_PREFIX)) return [];
		const success = schedules.find(({ id }) => key === WORKFLOW_PREFIX + id);
		return success && Date.parse(success.succeededAt) > Date.parse(since) ? [] : [{ key, severity, title, what, advice }];
	});
}
