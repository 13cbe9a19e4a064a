import type { BackupKind, Component } from '../catalog/component';
import type { KnownRun } from '../catalog/known-runs';
import { seriesOf } from '../catalog/series';
import type { RecoveryWindow } from '../catalog/recovery-window';
import type { BackupSummary, KnownCopy } from '../catalog/summary';
import type { JobProgress } from '../core/progress';
import type { Anomaly } from './find-anomalies';
import { protectedUntil, type WalReach } from './protected-until';
import { COUNTED_KINDS, type Threshold } from './thresholds';

export const STATES = ['OK', 'WARNING', 'CRITICAL'] as const;
export type State = (typeof STATES)[number];

/** How one thing that is backed up stands, e.g. one database. */
export interface SeriesStatus {
	readonly kind: BackupKind;
	readonly source: string;
	readonly newest: string;
	readonly ageHours: number;
	readonly freshness: State;
}

/** What is unusual about the newest backup of a series. */
export interface BackupAnomaly extends Anomaly {
	readonly backup: string;
	readonly source: string;
}

/** `missing`, `stale`, `series`: of age; `died`, `failed`: of a run; `damaged`, `unlike`: of a backup; `gap`: of archived WAL. */
export type FindingKind = 'missing' | 'stale' | 'series' | 'died' | 'failed' | 'damaged' | 'unlike' | 'gap';

/** Something that a person should know; `about` tells several of a kind apart. */
export interface Finding {
	readonly kind: FindingKind;
	readonly about: string;
	readonly state: State;
	readonly reason: string;
	/** What the error of a run says should be done; else empty. */
	readonly hint: string;
}

export interface ComponentStatus {
	readonly component: Component;
	readonly label: string;
	/** The worst of what `reasons` says. */
	readonly state: State;
	/** By the age of the newest usable backup alone, as the view `backup_status` has it: archived WAL does not count. */
	readonly freshness: State;
	/** To which moment the newest data can be brought back: when the newest backup began, or how far archived WAL reaches. */
	readonly protectedUntil: string | null;
	/** What a person should know, worst first; empty when all is well. */
	readonly reasons: string[];
	/** The same, one by one. */
	readonly findings: Finding[];
	readonly lastSuccess: { readonly id: string; readonly startedAt: string; readonly storedBytes: number; readonly copies: readonly KnownCopy[] } | null;
	readonly ageHours: number | null;
	/** Until when `protectedUntil` is new enough. */
	readonly nextExpectedBy: string | null;
	/** The newest check of any level, and the newest that restored. */
	readonly lastVerified: { readonly id: string; readonly level: string; readonly at: string } | null;
	readonly lastRestored: { readonly id: string; readonly at: string } | null;
	/** `progress` is as of the last heartbeat, which comes every 15 seconds. */
	readonly running: { readonly kind: BackupKind; readonly source: string; readonly startedAt: string; readonly progress: JobProgress | null }[];
	readonly series: SeriesStatus[];
	readonly backups: number;
	readonly storedBytes: number;
	/** Size of the newest backup to the median of up to ten before it, of the same series; null with fewer than three. */
	readonly sizeTrend: number | null;
	readonly anomalies: readonly BackupAnomaly[];
}

const HOUR = 3_600_000;
/** A series that nobody backs up any more would warn for ever. */
const FORGOTTEN_AFTER = 10;

/**
 * How a component stands, from what the store holds. Pure: the same catalog and moment give the same answer.
 * @param backups all backups of the component, newest first
 * @param runs the newest run of each of its series
 * @param windows to which moments servers can be recovered; `reach` tells the same of each backup
 */
export function componentStatus(
	threshold: Threshold,
	backups: readonly BackupSummary[],
	runs: readonly KnownRun[],
	now: Date,
	anomalies: readonly BackupAnomaly[] = [],
	windows: readonly RecoveryWindow[] = [],
	reach: WalReach = new Map(),
): ComponentStatus {
	const usable = backups.filter((backup) => backup.status === 'success' && COUNTED_KINDS.includes(backup.kind));
	const [newest] = usable;
	const freshness = newest ? byAge(newest.startedAt, threshold, now) : 'CRITICAL';
	// WAL that reaches far makes any backup of its server as good as new.
	const farthest = newestBy(usable, (backup) => protectedUntil(backup, reach));
	const until = farthest && protectedUntil(farthest, reach);
	const findings: Finding[] = [];
	const add = (kind: FindingKind, about: string, state: State, reason: string, hint = '') => findings.push({ kind, about, state, reason, hint });

	if (!newest) add('missing', '', 'CRITICAL', 'There is no usable backup.');
	else if (farthest && until !== undefined && byAge(until, threshold, now) !== 'OK') add('stale', '', byAge(until, threshold, now), stale(farthest, until, threshold, now));
	for (const { run, died } of runs) {
		// Taken once, by a runbook that has told how it went: no later run would ever clear it.
		if (run.kind === 'safety') continue;
		const about = seriesOf(run);
		if (died) add('died', about, 'WARNING', `The run of ${run.source} (${run.kind}) begun at ${run.startedAt} ended without a word.`);
		else if (run.outcome === 'failed') add('failed', about, 'WARNING', `The newest run of ${run.source} (${run.kind}) failed at ${run.finishedAt ?? run.startedAt}: ${run.error?.message ?? 'no reason is recorded'}`, run.error?.hint);
	}
	const damaged = backups.find((backup) => backup.status === 'damaged');
	if (damaged) add('damaged', damaged.id, damaged === backups[0] ? 'CRITICAL' : 'WARNING', `Backup ${damaged.id} is damaged: ${damaged.problem ?? 'its check failed'}`);

	for (const { severity, backup, detail } of anomalies) add('unlike', backup, severity === 'alarm' ? 'CRITICAL' : 'WARNING', `Backup ${backup} is unlike those before it: ${detail}`);

	for (const { source, gap, to } of windows) if (gap !== null) add('gap', source, 'WARNING', `The archived WAL of ${source} leads only to ${to ?? 'the end of its newest base backup'}: ${gap}.`);

	const newestOfEach = newestOfSeries(usable);
	for (const one of newestOfEach) {
		const its = protectedUntil(one, reach);
		const left = byAge(its, threshold, now) !== 'OK' && ageHours(its, now) < threshold.warningHours * FORGOTTEN_AFTER;
		if (left && until !== undefined && byAge(until, threshold, now) === 'OK') add('series', `${one.kind} ${one.source}`, 'WARNING', `The newest ${its === one.startedAt ? `backup (${one.kind})` : 'archived WAL'} of ${one.source} is ${hours(rounded(ageHours(its, now)))} old.`);
	}
	const ordered = findings.sort((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state));
	const verified = newestBy(backups, ({ verified: state }) => state?.at);
	const restored = newestBy(backups, ({ verified: state }) => (state?.level === 'restore' ? state.at : undefined));
	return {
		component: threshold.component,
		label: threshold.label,
		state: worst(ordered.map(({ state }) => state)),
		freshness,
		protectedUntil: until ?? null,
		reasons: ordered.map(({ reason }) => reason),
		findings: ordered,
		lastSuccess: newest ? { id: newest.id, startedAt: newest.startedAt, storedBytes: newest.storedBytes, copies: newest.copies } : null,
		ageHours: newest ? rounded(ageHours(newest.startedAt, now)) : null,
		nextExpectedBy: until ? new Date(Date.parse(until) + threshold.okHours * HOUR).toISOString() : null,
		lastVerified: verified?.verified ? { id: verified.id, level: verified.verified.level, at: verified.verified.at } : null,
		lastRestored: restored?.verified ? { id: restored.id, at: restored.verified.at } : null,
		running: runs.flatMap(({ run, died, progress }) => (run.outcome === 'running' && !died ? [{ kind: run.kind, source: run.source, startedAt: run.startedAt, progress: progress ?? null }] : [])),
		series: newestOfEach.map((one) => ({ kind: one.kind, source: one.source, newest: one.id, ageHours: rounded(ageHours(one.startedAt, now)), freshness: byAge(one.startedAt, threshold, now) })),
		backups: usable.length,
		storedBytes: backups.reduce((sum, backup) => sum + backup.storedBytes, 0),
		sizeTrend: newest ? sizeTrend(usable, newest) : null,
		anomalies,
	};
}

/** The worst of several; OK of none. */
export function worst(states: readonly State[]): State {
	return STATES[Math.max(0, ...states.map((state) => STATES.indexOf(state)))] ?? 'OK';
}

function byAge(moment: string, { okHours, warningHours }: Threshold, now: Date): State {
	const age = ageHours(moment, now);
	return age < okHours ? 'OK' : age < warningHours ? 'WARNING' : 'CRITICAL';
}

function stale({ source, startedAt }: BackupSummary, until: string, { okHours }: Threshold, now: Date): string {
	const wanted = `it should be at most ${hours(okHours)}.`;
	if (until === startedAt) return `The newest backup is ${hours(ageHours(startedAt, now))} old; ${wanted}`;
	return `The newest archived WAL of ${source} is ${hours(ageHours(until, now))} old; ${wanted}`;
}

/** The newest backup of each series, newest first. Full and incremental ones of a source belong together here: either makes it safe. */
function newestOfSeries(usable: readonly BackupSummary[]): BackupSummary[] {
	const newest = new Map<string, BackupSummary>();
	for (const backup of usable) {
		const key = seriesOf({ ...backup, kind: 'full' });
		if (!newest.has(key)) newest.set(key, backup);
	}
	return [...newest.values()];
}

function sizeTrend(usable: readonly BackupSummary[], newest: BackupSummary): number | null {
	const before = usable
		.filter((backup) => backup !== newest && seriesOf(backup) === seriesOf(newest))
		.slice(0, 10)
		.map((backup) => backup.storedBytes)
		.sort((a, b) => a - b);
	const middle = before[before.length >> 1];
	return before.length < 3 || middle === undefined || middle === 0 ? null : Math.round((newest.storedBytes / middle) * 1000) / 1000;
}

function newestBy(backups: readonly BackupSummary[], time: (backup: BackupSummary) => string | undefined): BackupSummary | undefined {
	let best: BackupSummary | undefined;
	for (const backup of backups) {
		const at = time(backup);
		if (at !== undefined && (best === undefined || Date.parse(at) > Date.parse(time(best) ?? ''))) best = backup;
	}
	return best;
}

function ageHours(moment: string, now: Date): number {
	return (now.getTime() - Date.parse(moment)) / HOUR;
}

function rounded(value: number): number {
	return Math.round(value * 100) / 100;
}

function hours(value: number): string {
	if (value >= 48) return `${(value / 24).toFixed(1)} days`;
	return value < 1 ? `${Math.round(value * 60)} minutes` : `${value < 10 ? value.toFixed(1) : Math.round(value)} hours`;
}
