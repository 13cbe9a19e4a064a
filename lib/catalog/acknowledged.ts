import { z } from 'zod';
import type { Store } from '../storage/store';
import { ACKNOWLEDGED_KEY } from './layout';
import { readJson } from './read-json';
import { writeSmallObject } from './small-object';

/** `status/acknowledged.json`: backups that look wrecked and of which a person said that they are not. */
const acknowledgedSchema = z.looseObject({
	formatVersion: z.literal(1),
	/** The newest last. */
	backups: z.array(z.looseObject({ id: z.string(), at: z.iso.datetime({ offset: true }) })),
});

/** Retention deletes backups in the end; more than this nobody acknowledges in that time. */
const KEEP_NEWEST = 2000;

/** Their ids. Of a record that cannot be read nothing is acknowledged: then what looks wrecked alarms once more. */
export async function readAcknowledged(store: Store): Promise<ReadonlySet<string>> {
	return new Set((await readRecord(store)).map(({ id }) => id));
}

/** Adds backups to them. */
export async function acknowledge(store: Store, ids: readonly string[], at: Date, signal: AbortSignal): Promise<void> {
	if (ids.length === 0) return;
	const before = (await readRecord(store)).filter(({ id }) => !ids.includes(id));
	const backups = [...before, ...ids.map((id) => ({ id, at: at.toISOString() }))].slice(-KEEP_NEWEST);
	await writeSmallObject(store, ACKNOWLEDGED_KEY, { formatVersion: 1, backups }, { signal });
}

async function readRecord(store: Store): Promise<z.infer<typeof acknowledgedSchema>['backups']> {
	const parsed = acknowledgedSchema.safeParse((await readJson(store, ACKNOWLEDGED_KEY)).value);
	return parsed.success ? parsed.data.backups : [];
}
