import { z } from 'zod';
import { ALERTS_KEY } from '../catalog/layout';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from '../catalog/small-object';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError, type ErrorCode } from '../core/errors';
import type { Store } from '../storage/store';
import { problemSchema } from './problem';

const moment = z.iso.datetime({ offset: true });

/** A problem that people were told of and that is not over. */
export const openAlertSchema = problemSchema.extend({
	/** When it was first told. */
	since: moment,
	toldAt: moment,
	/** How many times it was passed on to the next in line. */
	level: z.number().int().nonnegative(),
});
/** As written; what older versions did not write may be missing. */
export type OpenAlert = z.input<typeof openAlertSchema>;

/** A check is telling people of this key: others leave it alone until then. */
const claimSchema = z.object({ key: z.string(), until: moment });
export type Claim = z.infer<typeof claimSchema>;

/** `status/alerts.json`. */
const alertStateSchema = z.looseObject({ formatVersion: z.literal(1), open: z.array(openAlertSchema), claims: z.array(claimSchema).default([]) });

export interface AlertState {
	readonly open: readonly OpenAlert[];
	readonly claims: readonly Claim[];
}

/** What people know of, and are being told; nothing where nothing was ever told. @throws BackupError `MANIFEST_INVALID` when the record cannot be read */
export async function readAlertState(store: Store): Promise<AlertState> {
	const text = await readSmallObject(store, ALERTS_KEY, NEVER_ABORTED);
	if (text === undefined) return { open: [], claims: [] };
	try {
		return alertStateSchema.parse(JSON.parse(text));
	} catch (error) {
		throw new BackupError('MANIFEST_INVALID', `${ALERTS_KEY} in the store (${store.description}) cannot be read.`, 'Delete that object: then everything that is wrong is told once more.', { cause: error });
	}
}

/**
 * Changes the state under its lock, so that of two at once the later one sees what the earlier has written.
 * @param change yields the new state, or undefined where nothing is to be written
 */
export async function changeAlertState<T>(store: Store, context: StateContext, purpose: string, change: (state: AlertState) => { readonly next?: AlertState; readonly result: T }): Promise<T> {
	return await withLock(store, context, { name: 'alerts', mode: 'exclusive', purpose, waitSeconds: 30 }, async (_lock, signal) => {
		const { next, result } = change(await readAlertState(store));
		if (next) await writeSmallObject(store, ALERTS_KEY, { formatVersion: 1, open: [...next.open].sort((a, b) => (a.key < b.key ? -1 : 1)), claims: next.claims }, { signal });
		return result;
	});
}

/** Why the state could not be changed although it can be read. */
const CANNOT_WRITE: readonly ErrorCode[] = ['STORE_FULL', 'STORE_NOT_WRITABLE', 'PERMISSION_DENIED', 'LOCK_HELD', 'LOCK_LOST'];

/**
 * The same where what is found out matters more than that it is written down: a store that is full, or that nobody may write to, is when people must be told.
 * Then nothing is written, and something may be told twice.
 */
export async function changeAlertStateOrTell<T>(store: Store, context: StateContext, purpose: string, change: (state: AlertState) => { readonly next?: AlertState; readonly result: T }): Promise<T> {
	try {
		return await changeAlertState(store, context, purpose, change);
	} catch (error) {
		if (!(error instanceof BackupError) || !CANNOT_WRITE.includes(error.code)) throw error;
		context.progress({ step: `Warning: ${ALERTS_KEY} could not be written: ${error.message}` });
		return change(await readAlertState(store)).result;
	}
}

export type StateContext = Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'progress' | 'latestProgress'>;
