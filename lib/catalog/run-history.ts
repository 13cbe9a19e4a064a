import { z } from 'zod';
import type { Store } from '../storage/store';
import { backupIdSchema } from './manifest';
import { BACKUP_KINDS, type BackupKind, type Component, COMPONENTS } from './component';
import { HISTORY_FOLDER, historyKey } from './layout';
import type { LastRun } from './last-run';
import { seriesOf } from './series';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from './small-object';

/** One run that ended; its backup may be pruned since. */
const pastRunSchema = z.looseObject({
	backupId: backupIdSchema,
	outcome: z.enum(['success', 'failed']),
	startedAt: z.iso.datetime({ offset: true }),
	/** null: it died, nobody knows when. */
	finishedAt: z.iso.datetime({ offset: true }).nullable(),
	durationSeconds: z.number().nonnegative().nullable(),
	sourceBytes: z.number().nonnegative().nullable(),
	storedBytes: z.number().nonnegative().nullable(),
	error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
});
export type PastRun = z.infer<typeof pastRunSchema>;

/** `status/history/<series>/<YYYY-MM>.json`: every run of a series that began in that month, in UTC, and ended. */
const historySchema = z.looseObject({
	formatVersion: z.literal(1),
	component: z.enum(COMPONENTS),
	kind: z.enum(BACKUP_KINDS),
	source: z.string(),
	runs: z.array(pastRunSchema),
});

interface Series {
	readonly component: Component;
	readonly kind: BackupKind;
	readonly source: string;
}

/** What the store remembers of runs since some moment, whether or not their backups are still there. */
export interface RunHistory {
	readonly runs: readonly (PastRun & Series)[];
	/** Since when every run of a component that ended is remembered; a component of which nothing is remembered is missing. */
	readonly since: ReadonlyMap<Component, Date>;
}

export const NO_HISTORY: RunHistory = { runs: [], since: new Map() };

const LONGEST_TEXT = 1000;
const PARALLEL = 16;

/** A run that ended as the history holds it. */
export function pastRun(run: LastRun & { readonly outcome: 'success' | 'failed' }, size?: { readonly durationSeconds: number; readonly sourceBytes: number; readonly storedBytes: number }): PastRun {
	const { backupId, outcome, startedAt, finishedAt, error } = run;
	const took = finishedAt === null ? null : Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
	const short = error && { code: error.code, message: error.message.slice(0, LONGEST_TEXT), hint: error.hint.slice(0, LONGEST_TEXT) };
	return { backupId, outcome, startedAt, finishedAt, durationSeconds: size?.durationSeconds ?? took, sourceBytes: size?.sourceBytes ?? null, storedBytes: size?.storedBytes ?? null, error: short };
}

/** Why a run failed that is recorded as running while nobody works on it. */
export const DEATH = {
	code: 'JOB_CRASHED',
	message: 'The run ended without a word: its process was killed or its machine stopped.',
	hint: 'Nothing of it is visible, and the next run removes what it left behind. See why it ended.',
} as const;

/** A run that was recorded as running when the next one began. */
export function diedRun(run: LastRun): PastRun {
	return pastRun({ ...run, outcome: 'failed', finishedAt: null, error: DEATH });
}

/** Adds a run that ended, once. The caller holds the component's lock, so that nobody else adds meanwhile. */
export async function appendToHistory(store: Store, series: Series, run: PastRun, signal: AbortSignal): Promise<void> {
	const key = historyKey(seriesOf(series), new Date(run.startedAt).toISOString().slice(0, 7));
	const { component, kind, source } = series;
	// One that cannot be read is begun anew: only pages and reports are made of it.
	const known = parse(await readSmallObject(store, key, signal))?.runs ?? [];
	const runs = [...known.filter(({ backupId }) => backupId !== run.backupId), run];
	await writeSmallObject(store, key, { formatVersion: 1, component, kind, source, runs }, { signal });
}

/** Runs that began at `from` or later. Months that cannot be read are left out. */
export async function readRunHistory(store: Store, from: Date): Promise<RunHistory> {
	const first = from.toISOString().slice(0, 7);
	const wanted: string[] = [];
	const older = new Set<string>();
	for await (const { key } of store.list(HISTORY_FOLDER)) {
		const [series, month] = /^([^/]+)\/(\d{4}-\d\d)\.json$/.exec(key.slice(HISTORY_FOLDER.length))?.slice(1) ?? [];
		if (series === undefined || month === undefined) continue;
		if (month >= first) wanted.push(key);
		else older.add(series);
	}
	const runs: (PastRun & Series)[] = [];
	const since = new Map<Component, Date>();
	for (let at = 0; at < wanted.length; at += PARALLEL) {
		for (const text of await Promise.all(wanted.slice(at, at + PARALLEL).map(async (key) => await readSmallObject(store, key, NEVER_ABORTED)))) {
			const history = parse(text);
			if (!history) continue;
			const { component, kind, source } = history;
			const begun = older.has(seriesOf(history)) ? [from.toISOString()] : history.runs.map(({ startedAt }) => startedAt);
			for (const moment of begun) {
				const known = since.get(component);
				if (!known || known > new Date(moment)) since.set(component, new Date(moment));
			}
			runs.push(...history.runs.filter(({ startedAt }) => Date.parse(startedAt) >= from.getTime()).map((run) => ({ ...run, component, kind, source })));
		}
	}
	return { runs, since };
}

function parse(text: string | undefined): z.infer<typeof historySchema> | undefined {
	if (text === undefined) return undefined;
	try {
		return historySchema.safeParse(JSON.parse(text)).data;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
