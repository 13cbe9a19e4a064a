import type { KnownRun } from '../catalog/known-runs';
import { seriesOf } from '../catalog/series';
import type { BackupSummary } from '../catalog/summary';
import type { ReportedFailure } from './monthly-report';

/** Runs that failed or died and backups that are damaged, since a moment, newest first, each with what has become of it. Pure. */
export function findFailures(runs: readonly KnownRun[], backups: readonly BackupSummary[], since: Date): ReportedFailure[] {
	const failures = [...runs.flatMap((run) => ofRun(run, backups)), ...backups.flatMap((backup) => ofDamaged(backup, backups))];
	return failures.filter(({ at }) => Date.parse(at) >= since.getTime()).sort((a, b) => (a.at < b.at ? 1 : -1));
}

function ofRun({ run, died }: KnownRun, backups: readonly BackupSummary[]): ReportedFailure[] {
	if (run.outcome !== 'failed' && !died) return [];
	const later = soundSince(run, backups);
	return [
		{
			at: run.finishedAt ?? run.startedAt,
			what: `${run.component}: ${run.source} (${run.kind})`,
			message: died ? 'It ended without a word.' : (run.error?.message ?? 'No reason is recorded.'),
			open: !later,
			done: later ? `A backup of it succeeded at ${later.startedAt}.` : 'Still open.',
			advice: run.error?.hint ?? '',
		},
	];
}

function ofDamaged(backup: BackupSummary, backups: readonly BackupSummary[]): ReportedFailure[] {
	if (backup.status !== 'damaged') return [];
	const later = soundSince(backup, backups);
	return [
		{
			at: backup.startedAt,
			what: `${backup.component}: backup ${backup.id}`,
			message: backup.problem ?? 'Its check failed.',
			open: !later,
			done: later ? `A newer, sound backup of it is ${later.id}.` : 'Still open.',
			advice: later ? '' : 'Make a new backup now.',
		},
	];
}

function soundSince(one: Parameters<typeof seriesOf>[0] & { readonly startedAt: string }, backups: readonly BackupSummary[]): BackupSummary | undefined {
	return backups.find((backup) => backup.status === 'success' && seriesOf(backup) === seriesOf(one) && backup.startedAt > one.startedAt);
}
