import type { BackupKind, Component } from '../catalog/component';
import type { BackupSummary, KnownCopy } from '../catalog/summary';
import type { JobProgress } from '../core/progress';
import { type ChainFacts, chainOf } from './chain-facts';
import type { BackupAnomaly, ComponentFacts } from './component-facts';
import { findFindings } from './find-findings';
import type { Finding } from './finding';
import { ageHours, byAge, hoursAfter, toleranceHours } from './freshness';
import { newestBy, standingOf } from './standing';
import { type State, worst } from './state';
import type { Threshold } from './thresholds';

export { type State, STATES, worst } from './state';

/** How one thing that is backed up stands, e.g. one database. */
export interface SeriesStatus {
	readonly kind: BackupKind;
	readonly source: string;
	readonly newest: string;
	readonly ageHours: number;
	readonly freshness: State;
	/** What the newest needs to be restored. */
	readonly chain: ChainFacts;
}

export interface ComponentStatus {
	readonly component: Component;
	readonly label: string;
	/** The worst of what `reasons` says. */
	readonly state: State;
	/** By the age of the newest usable backup alone, as the view `backup_status` has it: archived WAL does not count, and no time is allowed for the next to come. */
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
	/** Until when it may still come without a warning: the same, and what a run usually takes. */
	readonly lateAfter: string | null;
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
	/** The same of its rows (a dump), keys (Redis) or files. */
	readonly rowTrend: number | null;
	readonly anomalies: readonly BackupAnomaly[];
}

/** Facts that are left out: there are none of the kind. */
type GivenFacts = Pick<ComponentFacts, 'threshold' | 'backups' | 'runs' | 'now'> & Partial<ComponentFacts>;

/** How a component stands, from what the store holds. Pure: the same catalog and moment give the same answer. */
export function componentStatus(given: GivenFacts): ComponentStatus {
	const facts: ComponentFacts = { unreadableRuns: [], anomalies: [], signs: [], windows: [], reach: new Map(), lost: new Map(), forgotten: new Set(), rows: new Map(), verifiedWithinDays: 0, ...given };
	const { threshold, backups, runs, now, anomalies, lost, rows } = facts;
	const standing = standingOf(facts);
	const { usable, farthest, until, newestOfEach } = standing;
	const [newest] = usable;
	const findings = findFindings(facts, standing);
	const verified = newestBy(backups, ({ verified: state }) => state?.at);
	const restored = newestBy(backups, ({ verified: state }) => (state?.level === 'restore' ? state.at : undefined));
	const byId = new Map(backups.map((backup) => [backup.id, backup]));
	return {
		component: threshold.component,
		label: threshold.label,
		state: worst(findings.map(({ state }) => state)),
		freshness: newest ? byAge(newest.startedAt, threshold, now) : 'CRITICAL',
		protectedUntil: until ?? null,
		reasons: findings.map(({ reason }) => reason),
		findings,
		lastSuccess: newest ? { id: newest.id, startedAt: newest.startedAt, storedBytes: newest.storedBytes, copies: newest.copies } : null,
		ageHours: newest ? rounded(ageHours(newest.startedAt, now)) : null,
		nextExpectedBy: until ? hoursAfter(until, threshold.okHours) : null,
		lateAfter: until && farthest ? lateAfter(until, farthest, usable, threshold) : null,
		lastVerified: verified?.verified ? { id: verified.id, level: verified.verified.level, at: verified.verified.at } : null,
		lastRestored: restored?.verified ? { id: restored.id, at: restored.verified.at } : null,
		running: runs.flatMap(({ run, died, progress }) => (run.outcome === 'running' && !died ? [{ kind: run.kind, source: run.source, startedAt: run.startedAt, progress: progress ?? null }] : [])),
		series: newestOfEach.map((one) => ({ kind: one.kind, source: one.source, newest: one.id, ageHours: rounded(ageHours(one.startedAt, now)), freshness: byAge(one.startedAt, threshold, now), chain: chainOf(one, byId, lost) })),
		backups: usable.length,
		storedBytes: backups.reduce((sum, backup) => sum + backup.storedBytes, 0),
		sizeTrend: newest ? trendOf(usable, newest, ({ storedBytes }) => storedBytes) : null,
		rowTrend: newest ? trendOf(usable, newest, ({ id }) => rows.get(id)) : null,
		anomalies,
	};
}

function lateAfter(until: string, farthest: BackupSummary, usable: readonly BackupSummary[], threshold: Threshold): string {
	const ofPlace = usable.filter(({ source }) => source === farthest.source);
	return hoursAfter(until, threshold.okHours + toleranceHours(ofPlace, threshold));
}

function trendOf(usable: readonly BackupSummary[], newest: BackupSummary, value: (backup: BackupSummary) => number | undefined): number | null {
	const its = value(newest);
	const before = usable
		.filter((backup) => backup !== newest && backup.kind === newest.kind && backup.source === newest.source)
		.slice(0, 10)
		.flatMap((backup) => value(backup) ?? [])
		.sort((a, b) => a - b);
	const middle = before[before.length >> 1];
	return its === undefined || before.length < 3 || middle === undefined || middle === 0 ? null : Math.round((its / middle) * 1000) / 1000;
}

function rounded(value: number): number {
	return Math.round(value * 100) / 100;
}
