import { z } from 'zod';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { BACKUP_KINDS, type BackupKind, type Component, COMPONENTS } from './component';
import { CLOCK_TOLERANCE_MS, findRuns } from './known-runs';
import { forgetLastRun } from './last-run';
import { FORGOTTEN_FOLDER } from './layout';
import { listBackups } from './list-backups';
import { readJson } from './read-json';
import { seriesOf } from './series';
import { writeSmallObject } from './small-object';

/** `status/forgotten/<series>.json`: a person said that this will never be backed up again. A later backup of it makes it void. */
const forgottenSchema = z.looseObject({
	formatVersion: z.literal(1),
	component: z.enum(COMPONENTS),
	source: z.string(),
	at: z.iso.datetime({ offset: true }),
});
export type ForgottenSeries = z.infer<typeof forgottenSchema>;

/** What people said will never be backed up again. One that cannot be read counts as not said. */
export async function readForgotten(store: Store): Promise<ForgottenSeries[]> {
	const found: ForgottenSeries[] = [];
	for await (const { key } of store.list(FORGOTTEN_FOLDER)) {
		const parsed = forgottenSchema.safeParse((await readJson(store, key)).value);
		if (parsed.success && forgottenKey(parsed.data) === key) found.push(parsed.data);
	}
	return found;
}

export interface ForgetSeries {
	readonly component: Component;
	/** Exactly as the backups have it, e.g. a database's name. */
	readonly source: string;
	/** Only how the newest run of this kind went; null: everything of the source, which then need not be backed up any more. */
	readonly kind: BackupKind | null;
}

export interface ForgetSeriesResult {
	/** Of whose newest run nothing is known any more. */
	readonly forgottenRuns: string[];
	/** Set where the source itself was forgotten. */
	readonly forgotten: ForgottenSeries | null;
}

/**
 * Ends the alarms of what will never run again: a failed newest run, and that nothing new comes. Its backups stay, and retention goes on with them.
 * @throws BackupError `INVALID_INPUT` when the store knows no such series, or a run of it is going on
 */
export async function forgetSeries(store: Store, { component, source, kind }: ForgetSeries, { now, signal }: Pick<JobContext, 'now' | 'signal'>): Promise<ForgetSeriesResult> {
	// Clocks may differ: a run that was silent for so long is dead.
	const { known, unreadable } = await findRuns(store, new Date(now().getTime() - CLOCK_TOLERANCE_MS));
	const meant = (one: { readonly component: Component; readonly source: string; readonly kind: BackupKind }) => one.component === component && one.source === source && (kind === null || one.kind === kind);
	const runs = known.filter(({ run }) => meant(run));
	const going = runs.find(({ run, died }) => run.outcome === 'running' && !died);
	if (going) throw new BackupError('INVALID_INPUT', `${source} (${component}) is being backed up since ${going.run.startedAt}.`, 'Wait until that run has ended. Nothing was forgotten.');
	const kinds = kind === null ? BACKUP_KINDS : [kind];
	const names = kinds.map((each) => seriesOf({ component, kind: each, source }));
	const series = [...runs.map(({ run }) => seriesOf(run)), ...unreadable.map((found) => found.series).filter((name) => names.includes(name))];
	const backups = await listBackups(store, { component });
	if (series.length === 0 && !(kind === null && backups.some(meant))) {
		const sources = [...new Set([...known.filter(({ run }) => run.component === component).map(({ run }) => run.source), ...backups.map((backup) => backup.source)])].filter((name) => name !== '').sort();
		throw new BackupError(
			'INVALID_INPUT',
			`The store (${store.description}) knows ${kind === null ? 'nothing' : `no run of the kind ${kind}`} of "${source}" (${component}).`,
			sources.length === 0 ? `It knows nothing of ${component} at all. Check that this is the store that was meant.` : `It knows: ${sources.join(', ')}. Write the source exactly like that.`,
		);
	}
	const forgotten: ForgottenSeries | null = kind === null ? { formatVersion: 1, component, source, at: now().toISOString() } : null;
	if (forgotten) await writeSmallObject(store, forgottenKey(forgotten), forgotten, { signal });
	for (const name of series) await forgetLastRun(store, name);
	return { forgottenRuns: series, forgotten };
}

function forgottenKey({ component, source }: Pick<ForgottenSeries, 'component' | 'source'>): string {
	return `${FORGOTTEN_FOLDER}${seriesOf({ component, kind: 'full', source })}.json`;
}
