import { z } from 'zod';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { Component } from './component';
import { copiesKey } from './layout';
import { backupIdSchema, type Manifest } from './manifest';
import { NEVER_ABORTED, readSmallObject, writeSmallObject } from './small-object';
import type { KnownCopy } from './summary';
import { withLock } from './with-lock';

const moment = z.iso.datetime({ offset: true });

/**
 * `copies.json` beside the manifest: in which other stores the same backup is. The manifest itself is sealed by its digest
 * and the same in all of them, so what differs from store to store stands here.
 */
export const copiesSchema = z.looseObject({
	formatVersion: z.literal(1),
	backup: backupIdSchema,
	copies: z.array(z.looseObject({ store: z.string(), origin: z.boolean(), copiedAt: moment, checkedAt: moment })),
});
export type Copies = z.infer<typeof copiesSchema>;

const WAIT_SECONDS = 60;

/**
 * What a store knows of a backup's copies, `undefined` where nothing is recorded.
 * A record that cannot be read counts as none: it must not hide the backup.
 */
export async function readCopies(store: Store, component: Component, id: string): Promise<Copies | undefined> {
	let text: string | undefined;
	try {
		text = await readSmallObject(store, copiesKey(component, id), NEVER_ABORTED);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'MANIFEST_INVALID') return undefined;
		throw error;
	}
	if (text === undefined) return undefined;
	const parsed = copiesSchema.safeParse(parseJson(text));
	return parsed.success && parsed.data.backup === id ? parsed.data : undefined;
}

/**
 * Writes into `store` that the backup is in another store too. One record a store: a later one replaces it, but who was copied
 * from whom stays as it was first.
 */
export async function recordCopy(
	store: Store,
	context: Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'progress'>,
	manifest: Pick<Manifest, 'component' | 'id'>,
	copy: KnownCopy,
): Promise<void> {
	const request = {
		name: `copies.${manifest.id}`,
		mode: 'exclusive' as const,
		purpose: `recording a copy of backup ${manifest.id}`,
		backupId: manifest.id,
		waitSeconds: WAIT_SECONDS,
	};
	await withLock(store, context, request, async (_lock, signal) => {
		const before = await readCopies(store, manifest.component, manifest.id);
		const known = before?.copies ?? [];
		const same = known.find((each) => each.store === copy.store);
		const copies: Copies = {
			...before,
			formatVersion: 1,
			backup: manifest.id,
			copies: same === undefined ? [...known, { ...copy }] : known.map((each) => (each === same ? { ...same, ...copy, origin: same.origin } : each)),
		};
		await writeSmallObject(store, copiesKey(manifest.component, manifest.id), copies, { signal });
	});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
