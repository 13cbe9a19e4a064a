import { readAcknowledged } from '../catalog/acknowledged';
import { type Component, COMPONENTS } from '../catalog/component';
import { type ExpectedRun, findExpectedRuns } from '../catalog/expected-runs';
import { readForgotten } from '../catalog/forgotten-series';
import { CLOCK_TOLERANCE_MS, findRuns, type KnownRun } from '../catalog/known-runs';
import { walkBackups } from '../catalog/list-backups';
import type { Manifest } from '../catalog/manifest';
import type { RecoveryWindow } from '../catalog/recovery-window';
import { holdForAlarms, readRetentionHold, type RetentionHold } from '../catalog/retention-hold';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { type ComponentStatus, componentStatus, type State, worst } from './component-status';
import { alarmsOf, judgeStore, type StoreAnomalies } from './judge-store';
import { type ExpectedArtifacts, expectedArtifacts, findLostArtifacts } from './lost-artifacts';
import { measure, type Measures } from './measures';
import { type ServerAddress, walReach } from './protected-until';
import { placeOf } from './standing';
import { DEFAULT_THRESHOLDS, DEFAULT_VERIFIED_WITHIN_DAYS, type Threshold } from './thresholds';

export interface StatusOptions {
	/** Which components to look at; empty: all. */
	readonly components: readonly Component[];
	/** Which must be backed up; empty: those that are looked at, or with those left out too, those of the defaults. Others count once the store knows them. */
	readonly requiredComponents?: readonly Component[];
	/** Changes to the default thresholds. */
	readonly thresholds: readonly { readonly component: Component; readonly okHours: number; readonly warningHours: number }[];
	/** How many days the newest check of a component may be old; 0: any. */
	readonly verifiedWithinDays?: number;
	/** Put retention on hold when backups look like a mass delete or encrypted files; otherwise nothing is written. */
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
	/** Keys of records of schedules that cannot be read, where there are any: whether these are overdue is not known. */
	readonly unreadableSchedules?: readonly string[];
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

/** How everything in a store stands now. */
export async function readStatus(store: Store, options: StatusOptions, context: JobContext, readWindows = NO_WINDOWS): Promise<StatusResult> {
	return (await surveyStore(store, options, context, readWindows)).status;
}

/** The same with what it was computed from. */
export async function surveyStore(store: Store, options: StatusOptions, context: JobContext, readWindows = NO_WINDOWS): Promise<Survey> {
	context.progress({ step: 'Reading what the store holds' });
	const now = context.now();
	const runs = await findRuns(store, new Date(now.getTime() - CLOCK_TOLERANCE_MS));
	const { backups, measures, bases, addresses, artifacts } = await readBackups(store);
	const lost = await findLostArtifacts(store, artifacts);
	const recoveryWindows = await readWindows(store, bases, context);
	const forgotten = await readForgotten(store);
	const unusual = judgeStore(backups, measures, await readAcknowledged(store));
	const rows = new Map([...measures].flatMap(([id, { rows: its, files }]) => (its ?? files) === undefined ? [] : [[id, its ?? files ?? 0] as const]));
	const components = COMPONENTS.flatMap((component) => {
		const threshold = thresholdOf(component, options);
		const ofComponent = backups.filter((backup) => backup.component === component);
		const runsOfComponent = runs.known.filter(({ run }) => run.component === component);
		const unreadableRuns = runs.unreadable.filter(({ series }) => series.startsWith(`${component}.`));
		const given = new Set(forgotten.filter((one) => one.component === component && !ofComponent.some(({ source, startedAt }) => source === one.source && Date.parse(startedAt) > Date.parse(one.at))).map(placeOf));
		const known = runsOfComponent.length + unreadableRuns.length > 0 || ofComponent.some((backup) => !given.has(placeOf(backup)));
		if (!isLookedAt(component, options) || !(isRequired(threshold, options) || known)) return [];
		const facts = {
			threshold, backups: ofComponent, runs: runsOfComponent, unreadableRuns, now, lost, rows, forgotten: given,
			anomalies: unusual.anomalies.filter((anomaly) => anomaly.component === component).map(({ component: _, ...anomaly }) => anomaly),
			signs: unusual.standing.filter((sign) => sign.component === component),
			windows: component === 'postgres' ? recoveryWindows : [],
			reach: walReach(ofComponent, recoveryWindows, addresses),
			verifiedWithinDays: options.verifiedWithinDays ?? DEFAULT_VERIFIED_WITHIN_DAYS,
		};
		return [componentStatus(facts)];
	});
	const hold = await holdFor(store, unusual, options, context);
	const { runs: schedules, unreadable } = await findExpectedRuns(store);
	const overdue = schedules.filter(({ nextBy }) => Date.parse(nextBy) < now.getTime());
	const state = worst([...components.map((one) => one.state), ...(hold || unreadable.length > 0 ? (['WARNING'] as const) : []), ...(overdue.length > 0 ? (['CRITICAL'] as const) : [])]);
	return { status: { state, store: store.description, checkedAt: now.toISOString(), components, hold, schedules, overdue, recoveryWindows, ...(unreadable.length > 0 && { unreadableSchedules: unreadable }) }, backups, runs: runs.known };
}

/** Every backup, newest first, and what is needed of their manifests. */
async function readBackups(store: Store) {
	const backups: BackupSummary[] = [];
	const measures = new Map<string, Measures>();
	const bases: Manifest[] = [];
	const addresses = new Map<string, ServerAddress>();
	const artifacts: ExpectedArtifacts[] = [];
	for await (const { summary, manifest } of walkBackups(store)) {
		backups.push(summary);
		if (!manifest || summary.status !== 'success') continue;
		measures.set(summary.id, measure(manifest));
		artifacts.push(expectedArtifacts(manifest));
		if (manifest.basebackup) bases.push(manifest);
		if (manifest.source.type === 'postgres') addresses.set(summary.id, manifest.source);
	}
	return { backups, measures, bases, addresses, artifacts };
}

async function holdFor(store: Store, unusual: StoreAnomalies, { components, holdOnAlarm }: StatusOptions, context: JobContext): Promise<RetentionHold | null> {
	const alarms = alarmsOf({ anomalies: unusual.anomalies.filter(({ component }) => isLookedAt(component, { components })) });
	const hold = alarms.length > 0 && holdOnAlarm ? await holdForAlarms(store, alarms, context.now(), context.signal) : await readRetentionHold(store);
	return hold ?? null;
}

function isLookedAt(component: Component, { components }: Pick<StatusOptions, 'components'>): boolean {
	return components.length === 0 || components.includes(component);
}

function isRequired({ component, always }: Threshold, { components, requiredComponents = [] }: StatusOptions): boolean {
	if (requiredComponents.length > 0) return requiredComponents.includes(component);
	return components.length > 0 || always;
}

function thresholdOf(component: Component, { thresholds }: StatusOptions): Threshold {
	const standard = DEFAULT_THRESHOLDS.find((threshold) => threshold.component === component) ?? { component, label: component, okHours: 24, warningHours: 48, always: false };
	return { ...standard, ...thresholds.find((threshold) => threshold.component === component) };
}
