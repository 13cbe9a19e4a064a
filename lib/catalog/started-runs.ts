import { z } from 'zod';
import type { Store } from '../storage/store';
import { STARTED_RUNS_FOLDER } from './layout';
import { scheduleKey } from './schedule-key';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from './small-object';

/** `status/started/<hash of the id>.json`: when a schedule's newest run began, however it ended. */
const startedRunSchema = z.looseObject({ formatVersion: z.literal(1), id: z.string().min(1).max(200), name: z.string().max(500), startedAt: z.iso.datetime({ offset: true }) });
export type StartedRun = z.infer<typeof startedRunSchema>;

export async function writeStartedRun(store: Store, run: Pick<StartedRun, 'id' | 'name' | 'startedAt'>, signal: AbortSignal): Promise<StartedRun> {
	const record: StartedRun = { ...run, formatVersion: 1 };
	await writeSmallObject(store, scheduleKey(STARTED_RUNS_FOLDER, run.id), record, { signal });
	return record;
}

/** When the newest run of a schedule began. One that cannot be read counts as none: rather one run too many than one that nobody makes up for. */
export async function readStartedRun(store: Store, id: string): Promise<StartedRun | undefined> {
	const text = await readSmallObject(store, scheduleKey(STARTED_RUNS_FOLDER, id), NEVER_ABORTED);
	if (text === undefined) return undefined;
	try {
		const parsed = startedRunSchema.safeParse(JSON.parse(text));
		return parsed.success && parsed.data.id === id ? parsed.data : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
