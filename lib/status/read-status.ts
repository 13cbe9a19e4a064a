import { type Component, COMPONENTS } from '../catalog/component';
import { type ExpectedRun, readExpectedRuns } from '../catalog/expected-runs';
import { type KnownRun, readKnownRuns } from '../catalog/known-runs';
import { walkBackups } from '../catalog/list-backups';
import type { Manifest } from '../catalog/manifest';
import type { RecoveryWindow } from '../catalog/recovery-window';
import { holdRetention, readRetentionHold, type RetentionHold } from '../catalog/retention-hold';
import { seriesOf } from '../catalog/series';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { type BackupAnomaly, type ComponentStatus, componentStatus, type State, worst } from './component-status';
import { findAnomalies } from './find-anomalies';
import { measure, type Measures } from './measures';
import { type ServerAddress, walReach } from './protected-until';
import { COUNTED_KINDS, DEFAULT_THRESHOLDS, type Threshold } from './thresholds';

export interface StatusOptions {
	/** Which components must be backed up; empty: those of the defaults, and whatever the store knows. */
	readonly components: readonly Component[];
	/** Changes to the default thresholds. */
	readonly thresholds: readonly { readonly component: Component; readonly okHours: number; readonly warningHours: number }[];
	/** Put retention on hold when the newest backups look like a mass delete or encrypted files; otherwise nothing is written. */
	readonly holdOnAlarm: boolean;
}

export interface StatusResult {
	/** The worst of all. */
	readonly state: State;
	readonly store: string;
	readonly checkedAt: string;
	readonly components: ComponentStatus[];
	/** While there is one, nothing is pruned. */
	readonly hold: RetentionHold | null;
	/** What runs on a schedule and has succeeded before. */
	readonly schedules: ExpectedRun[];
	/** Those of which the next success did not come. */
	readonly overdue: ExpectedRun[];
	/** To which moments each server with base backups can be recovered. */
	readonly recoveryWindows: RecoveryWindow[];
}

/** Reads the windows of the servers that these physical backups, newest first, are of. */
export type ReadWindows = (store: Store, bases: readonly Manifest[], context: JobContext) => Promise<RecoveryWindow[]>;

const NO_WINDOWS: ReadWindows = () => Promise.resolve([]);

/** What a store holds, read once, and how it stands. */
export interface Survey {
	readonly status: StatusResult;
	/** All of them, newest first. */
	readonly backups: readonly BackupSummary[];
	readonly runs: readonly KnownRun[];
}

/**
 * This must work with rights to read alone; so it cannot ask the store for its time by writing. A run counts as
 * dead only after this much silence, which forgives clocks that differ.
 */
const CLOCK_TOLERANCE_MS = 15 * 60_000;

/** How everything in a store stands now. */
export async function readStatus(store: Store, options: StatusOptions, context: JobContext, readWindows = NO_WINDOWS): Promise<StatusResult> {
	return (await surveyStore(store, options, context, readWindows)).status;
}

/** The same with what it was computed from. */
export async function surveyStore(store: Store, options: StatusOptions, context: JobContext, readWindows = NO_WINDOWS): Promise<Survey> {
	context.progress({ step: 'Reading what the store holds' });
	const now = context.now();
	const runs = await readKnownRuns(store, new Date(now.getTime() - CLOCK_TOLERANCE_MS));
	const backups: BackupSummary[] = [];
	const measures = new Map<string, Measures>();
	const bases: Manifest[] = [];
	const addresses = new Map<string, ServerAddress>();
	for await (const { summary, manifest } of walkBackups(store)) {
		backups.push(summary);
		if (!manifest || summary.status !== 'success') continue;
		measures.set(summary.id, measure(manifest));
		if (manifest.basebackup) bases.push(manifest);
		if (manifest.source.type === 'postgres') addresses.set(summary.id, manifest.source);
	}
	const recoveryWindows = await readWindows(store, bases, context);
	const components = COMPONENTS.flatMap((component) => {
		const threshold = thresholdOf(component, options);
		const ofComponent = backups.filter((backup) => backup.component === component);
		const runsOfComponent = runs.filter(({ run }) => run.component === component);
		const wanted = options.components.length > 0 ? options.components.includes(component) : threshold.always || ofComponent.length + runsOfComponent.length > 0;
		return wanted ? [componentStatus(threshold, ofComponent, runsOfComponent, now, anomaliesOf(ofComponent, measures), component === 'postgres' ? recoveryWindows : [], walReach(ofComponent, recoveryWindows, addresses))] : [];
	});
	const alarms = components.flatMap(({ component, anomalies }) => anomalies.filter(({ severity }) => severity === 'alarm').map(({ backup, detail }) => `${component}, backup ${backup}: ${detail}`));
	const hold =
		alarms.length > 0 && options.holdOnAlarm
			? await holdRetention(store, { since: now.toISOString(), by: 'anomaly', reason: alarms.join(' ') }, context.signal)
			: ((await readRetentionHold(store)) ?? null);
	const schedules = await readExpectedRuns(store);
	const overdue = schedules.filter(({ nextBy }) => Date.parse(nextBy) < now.getTime());
	const state = worst([...components.map((one) => one.state), ...(hold ? (['WARNING'] as const) : []), ...(overdue.length > 0 ? (['CRITICAL'] as const) : [])]);
	return { status: { state, store: store.description, checkedAt: now.toISOString(), components, hold, schedules, overdue, recoveryWindows }, backups, runs };
}

/** What is unusual about the newest backup of each series. */
function anomaliesOf(backups: readonly BackupSummary[], measures: ReadonlyMap<string, Measures>): BackupAnomaly[] {
	const series = new Map<string, BackupSummary[]>();
	for (const backup of backups) {
		if (!COUNTED_KINDS.includes(backup.kind) || !measures.has(backup.id)) continue;
		const key = seriesOf(backup);
		series.set(key, [...(series.get(key) ?? []), backup]);
	}
	return [...series.values()].flatMap(([newest, ...before]) => {
		if (!newest) return [];
		const history = before.reverse().map(({ id }) => measures.get(id) ?? {});
		return findAnomalies(measures.get(newest.id) ?? {}, history).map((anomaly) => ({ ...anomaly, backup: newest.id, source: newest.source }));
	});
}

function thresholdOf(component: Component, { thresholds }: StatusOptions): Threshold {
	const standard = DEFAULT_THRESHOLDS.find((threshold) => threshold.component === component) ?? { component, label: component, okHours: 24, warningHours: 48, always: false };
	return { ...standard, ...thresholds.find((threshold) => threshold.component === component) };
}
