import { z } from 'zod';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { RETENTION_HOLD_KEY } from './layout';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from './small-object';

/** `status/retention-hold.json`: while it is there, nothing is pruned from the store. */
const retentionHoldSchema = z.looseObject({
	formatVersion: z.literal(1),
	since: z.iso.datetime({ offset: true }),
	/** Who put it there. */
	by: z.enum(['anomaly', 'person']),
	reason: z.string(),
});

export type RetentionHold = z.infer<typeof retentionHoldSchema>;

/**
 * What keeps retention from deleting anything; undefined where nothing does.
 * One that cannot be read holds all the same: somebody wanted nothing to be deleted.
 */
export async function readRetentionHold(store: Store): Promise<RetentionHold | undefined> {
	const text = await readSmallObject(store, RETENTION_HOLD_KEY, NEVER_ABORTED);
	if (text === undefined) return undefined;
	try {
		const parsed = retentionHoldSchema.safeParse(JSON.parse(text));
		if (parsed.success) return parsed.data;
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
	}
	return { formatVersion: 1, since: new Date(0).toISOString(), by: 'person', reason: `${RETENTION_HOLD_KEY} cannot be read` };
}

/** Puts retention on hold; one that is there already stays, because its reason came first. @returns the hold that stands */
export async function holdRetention(store: Store, hold: Pick<RetentionHold, 'since' | 'by' | 'reason'>, signal: AbortSignal): Promise<RetentionHold> {
	const standing = await readRetentionHold(store);
	if (standing) return standing;
	const record: RetentionHold = { formatVersion: 1, ...hold };
	await writeSmallObject(store, RETENTION_HOLD_KEY, record, { signal });
	return record;
}

/** Lets retention go on. @throws BackupError `INVALID_INPUT` where there is no hold: somebody else may have lifted it, and should know of this one */
export async function liftRetentionHold(store: Store): Promise<RetentionHold> {
	const standing = await readRetentionHold(store);
	if (!standing) throw new BackupError('INVALID_INPUT', `Retention is not on hold in the store (${store.description}).`, 'There is nothing to lift. Check that this is the store that was meant.');
	await store.remove(RETENTION_HOLD_KEY);
	return standing;
}
