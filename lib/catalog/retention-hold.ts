import { z } from 'zod';
import { BackupError } from '../core/errors';
import { shortened } from '../core/words';
import type { Store } from '../storage/store';
import { acknowledge, readAcknowledged } from './acknowledged';
import { RETENTION_HOLD_KEY } from './layout';
import { readJson } from './read-json';
import { writeSmallObject } from './small-object';

/** A backup that looks as if somebody had wrecked what it holds, and how. */
const alarmSchema = z.looseObject({ backup: z.string(), detail: z.string() });
export type HoldAlarm = z.infer<typeof alarmSchema>;

/** `status/retention-hold.json`: while it is there, nothing is pruned from the store. */
const retentionHoldSchema = z.looseObject({
	formatVersion: z.literal(1),
	since: z.iso.datetime({ offset: true }),
	/** Who put it there. */
	by: z.enum(['anomaly', 'person']),
	reason: z.string(),
	/** What looks wrecked, also where a person put the hold: whoever lifts it says that all of this is well. */
	alarms: z.array(alarmSchema).optional(),
});

export type RetentionHold = z.infer<typeof retentionHoldSchema>;

const LONGEST_REASON = 4000;

/**
 * What keeps retention from deleting anything; undefined where nothing does.
 * One that cannot be read holds all the same: somebody wanted nothing to be deleted.
 */
export async function readRetentionHold(store: Store): Promise<RetentionHold | undefined> {
	const { found, value } = await readJson(store, RETENTION_HOLD_KEY);
	if (!found) return undefined;
	const parsed = retentionHoldSchema.safeParse(value);
	if (parsed.success) return parsed.data;
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

/** Puts retention on hold because of what looks wrecked, or names it in the hold that is there already. @returns the hold that stands, if one does */
export async function holdForAlarms(store: Store, alarms: readonly HoldAlarm[], since: Date, signal: AbortSignal): Promise<RetentionHold | undefined> {
	const standing = await readRetentionHold(store);
	const known = standing?.alarms ?? [];
	// Somebody may have lifted a hold since the store was judged.
	const acknowledged = await readAcknowledged(store);
	const news = alarms.filter(({ backup }) => !acknowledged.has(backup) && !known.some((one) => one.backup === backup));
	if (news.length === 0) return standing;
	const all = [...known, ...news];
	const reason = standing?.by === 'person' ? standing.reason : shortened(all.map(({ detail }) => detail).join(' '), LONGEST_REASON);
	const record: RetentionHold = { formatVersion: 1, since: since.toISOString(), by: 'anomaly', ...standing, reason, alarms: all };
	await writeSmallObject(store, RETENTION_HOLD_KEY, record, { signal });
	return record;
}

/**
 * Lets retention go on. What the hold names as wrecked counts as well from now on, and does not alarm again; what came after does.
 * @throws BackupError `INVALID_INPUT` where there is no hold: somebody else may have lifted it, and should know of this one
 */
export async function liftRetentionHold(store: Store, at: Date, signal: AbortSignal): Promise<RetentionHold> {
	const standing = await readRetentionHold(store);
	if (!standing) throw new BackupError('INVALID_INPUT', `Retention is not on hold in the store (${store.description}).`, 'There is nothing to lift. Check that this is the store that was meant.');
	// First: what is acknowledged twice does no harm, what is forgotten puts the hold back.
	await acknowledge(store, (standing.alarms ?? []).map(({ backup }) => backup), at, signal);
	await store.remove(RETENTION_HOLD_KEY);
	return standing;
}
