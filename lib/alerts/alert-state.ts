import { z } from 'zod';
import { ALERTS_KEY } from '../catalog/layout';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from '../catalog/small-object';
import { BackupError } from '../core/errors';
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
export type OpenAlert = z.infer<typeof openAlertSchema>;

/** `status/alerts.json`. */
const alertStateSchema = z.looseObject({ formatVersion: z.literal(1), open: z.array(openAlertSchema) });

/** What people know of; nothing where nothing was ever told. @throws BackupError `MANIFEST_INVALID` when the record cannot be read */
export async function readOpenAlerts(store: Store): Promise<OpenAlert[]> {
	const text = await readSmallObject(store, ALERTS_KEY, NEVER_ABORTED);
	if (text === undefined) return [];
	try {
		return alertStateSchema.parse(JSON.parse(text)).open;
	} catch (error) {
		throw new BackupError('MANIFEST_INVALID', `${ALERTS_KEY} in the store (${store.description}) cannot be read.`, 'Delete that object: then everything that is wrong is told once more.', { cause: error });
	}
}

export async function writeOpenAlerts(store: Store, open: readonly OpenAlert[], signal: AbortSignal): Promise<void> {
	await writeSmallObject(store, ALERTS_KEY, { formatVersion: 1, open: [...open].sort((a, b) => (a.key < b.key ? -1 : 1)) }, { signal });
}
