import { z } from 'zod';
import type { Store } from '../storage/store';
import { EXPECTED_RUNS_FOLDER } from './layout';
import { scheduleKey } from './schedule-key';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from './small-object';

/** `status/next-expected/<hash of the id>.json`: one for each schedule, so that two that end at once do not overwrite each other. */
const expectedRunSchema = z.looseObject({
	formatVersion: z.literal(1),
	/** Of a workflow, or whatever runs on a schedule. */
	id: z.string().min(1).max(200),
	name: z.string().max(500),
	succeededAt: z.iso.datetime({ offset: true }),
	/** When the next success is due, pauses and slowness allowed for. */
	nextBy: z.iso.datetime({ offset: true }),
	/** When the next run is to begin, by the clock; left out where nobody knows. */
	dueAt: z.iso.datetime({ offset: true }).optional(),
});
export type ExpectedRun = z.infer<typeof expectedRunSchema>;

export async function writeExpectedRun(store: Store, run: Pick<ExpectedRun, 'id' | 'name' | 'succeededAt' | 'nextBy' | 'dueAt'>, signal: AbortSignal): Promise<ExpectedRun> {
	const record: ExpectedRun = { ...run, formatVersion: 1 };
	await writeSmallObject(store, expectedRunKey(run.id), record, { signal });
	return record;
}

/** Every schedule that has succeeded at least once; a record that cannot be read is left out. */
export async function readExpectedRuns(store: Store): Promise<ExpectedRun[]> {
	return (await findExpectedRuns(store)).runs;
}

/** The same, and the keys of records that cannot be read. */
export async function findExpectedRuns(store: Store): Promise<{ readonly runs: ExpectedRun[]; readonly unreadable: string[] }> {
	const runs: ExpectedRun[] = [];
	const unreadable: string[] = [];
	for await (const { key } of store.list(EXPECTED_RUNS_FOLDER)) {
		const text = await readSmallObject(store, key, NEVER_ABORTED);
		const parsed = text === undefined ? undefined : expectedRunSchema.safeParse(parseJson(text));
		if (parsed?.success && expectedRunKey(parsed.data.id) === key) runs.push(parsed.data);
		else if (parsed) unreadable.push(key);
	}
	return { runs: runs.sort((a, b) => (a.name < b.name ? -1 : 1)), unreadable };
}

/** Forgets a schedule that is gone for good; @returns whether there was one. */
export async function removeExpectedRun(store: Store, id: string): Promise<boolean> {
	const known = (await store.stat(expectedRunKey(id))) !== undefined;
	if (known) await store.remove(expectedRunKey(id));
	return known;
}

function expectedRunKey(id: string): string {
	return scheduleKey(EXPECTED_RUNS_FOLDER, id);
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
