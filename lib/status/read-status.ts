import { type Component, COMPONENTS } from '../catalog/component';
import { readKnownRuns } from '../catalog/known-runs';
import { listBackups } from '../catalog/list-backups';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { type ComponentStatus, componentStatus, type State, worst } from './component-status';
import { DEFAULT_THRESHOLDS, type Threshold } from './thresholds';

export interface StatusOptions {
	/** Which components must be backed up; empty: those of the defaults, and whatever the store knows. */
	readonly components: readonly Component[];
	/** Changes to the default thresholds. */
	readonly thresholds: readonly { readonly component: Component; readonly okHours: number; readonly warningHours: number }[];
}

export interface StatusResult {
	/** The worst of all. */
	readonly state: State;
	readonly store: string;
	readonly checkedAt: string;
	readonly components: ComponentStatus[];
}

/**
 * This only reads, because it must work with rights to read alone; so it cannot ask the store for its time by writing. A run counts as
 * dead only after this much silence, which forgives clocks that differ.
 */
const CLOCK_TOLERANCE_MS = 15 * 60_000;

/** How everything in a store stands now. Writes nothing. */
export async function readStatus(store: Store, options: StatusOptions, context: JobContext): Promise<StatusResult> {
	context.progress({ step: 'Reading what the store holds' });
	const now = context.now();
	const runs = await readKnownRuns(store, new Date(now.getTime() - CLOCK_TOLERANCE_MS));
	const backups = await listBackups(store);
	const components = COMPONENTS.flatMap((component) => {
		const threshold = thresholdOf(component, options);
		const ofComponent = backups.filter((backup) => backup.component === component);
		const runsOfComponent = runs.filter(({ run }) => run.component === component);
		const wanted = options.components.length > 0 ? options.components.includes(component) : threshold.always || ofComponent.length + runsOfComponent.length > 0;
		return wanted ? [componentStatus(threshold, ofComponent, runsOfComponent, now)] : [];
	});
	return { state: worst(components.map(({ state }) => state)), store: store.description, checkedAt: now.toISOString(), components };
}

function thresholdOf(component: Component, { thresholds }: StatusOptions): Threshold {
	const standard = DEFAULT_THRESHOLDS.find((threshold) => threshold.component === component) ?? { component, label: component, okHours: 24, warningHours: 48, always: false };
	return { ...standard, ...thresholds.find((threshold) => threshold.component === component) };
}
