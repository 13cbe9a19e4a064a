import { z } from 'zod';
import type { SerializedError } from '../core/errors';
import type { Store } from '../storage/store';
import { backupIdSchema } from './manifest';
import { BACKUP_KINDS, COMPONENTS } from './component';
import { LAST_RUN_FOLDER, lastRunKey } from './layout';
import { readJson } from './read-json';
import { seriesOf } from './series';
import { writeSmallObject } from './small-object';

/** `status/last-run/<series>.json`: how the newest run of a series went. */
export const lastRunSchema = z.looseObject({
	formatVersion: z.literal(1),
	component: z.enum(COMPONENTS),
	kind: z.enum(BACKUP_KINDS),
	source: z.string(),
	backupId: backupIdSchema,
	outcome: z.enum(['running', 'success', 'failed']),
	startedAt: z.iso.datetime({ offset: true }),
	finishedAt: z.iso.datetime({ offset: true }).nullable(),
	error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
});
export type LastRun = z.infer<typeof lastRunSchema>;

/** A record as found; `run` is missing when it cannot be read. */
export interface FoundRun {
	readonly series: string;
	readonly modifiedAt: Date;
	readonly run: LastRun | undefined;
}

/** The error as it is recorded: without its cause, which may quote anything. */
export function recordedError(error: SerializedError): LastRun['error'] {
	return { code: error.code, message: error.message, hint: error.hint };
}

export async function writeLastRun(store: Store, run: LastRun, signal: AbortSignal): Promise<void> {
	await writeSmallObject(store, lastRunKey(seriesOf(run)), run, { signal });
}

/** The newest run of one series; `undefined` where none is recorded or the record cannot be read. */
export async function readLastRun(store: Store, series: string): Promise<LastRun | undefined> {
	return parseRun((await readJson(store, lastRunKey(series))).value, series);
}

/** Removes how the newest run of a series went, as if it had never run. */
export async function forgetLastRun(store: Store, series: string): Promise<void> {
	await store.remove(lastRunKey(series));
}

/** The newest run of every series. */
export async function readLastRuns(store: Store): Promise<FoundRun[]> {
	const found: FoundRun[] = [];
	for await (const { key, modifiedAt } of store.list(LAST_RUN_FOLDER)) {
		const series = /^([^/]+)\.json$/.exec(key.slice(LAST_RUN_FOLDER.length))?.[1];
		if (series === undefined) continue;
		const record = await readJson(store, key);
		if (record.found) found.push({ series, modifiedAt, run: parseRun(record.value, series) });
	}
	return found;
}

function parseRun(value: unknown, series: string): LastRun | undefined {
	const parsed = lastRunSchema.safeParse(value);
	return parsed.success && seriesOf(parsed.data) === series ? parsed.data : undefined;
}
