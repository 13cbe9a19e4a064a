import { z } from 'zod';
import { BackupError } from '../core/errors';
import { PROGRESS_UNITS } from '../core/progress';
import type { Store, StoredObject } from '../storage/store';
import { LOCKS_FOLDER, lockFolder } from './layout';
import { isSurelyDead, lockOwnerSchema } from './lock-owner';
import { NEVER_ABORTED, readSmallObject } from './small-object';

export const LOCK_MODES = ['exclusive', 'shared'] as const;
export type LockMode = (typeof LOCK_MODES)[number];

const jobProgressSchema = z.looseObject({
	step: z.string(),
	done: z.number().nullable(),
	total: z.number().nullable(),
	unit: z.enum(PROGRESS_UNITS).nullable(),
	perSecond: z.number().nullable(),
	at: z.iso.datetime({ offset: true }),
});

/** `locks/<name>/<owner id>.json`: one file for each process that holds or wants the lock. */
export const lockRecordSchema = z.looseObject({
	formatVersion: z.literal(1),
	name: z.string(),
	/** `wanted` until the owner has seen that nobody stands in its way. */
	state: z.enum(['wanted', 'held']),
	mode: z.enum(LOCK_MODES),
	/** What for, to complete "by process 7 on host a, which is …", e.g. `backing up crm`. */
	purpose: z.string(),
	/** The backup that is being written or read. */
	backupId: z.string().nullable(),
	owner: lockOwnerSchema,
	acquiredAt: z.iso.datetime({ offset: true }),
	heartbeatAt: z.iso.datetime({ offset: true }),
	/** How far the holder's job is, as of its last heartbeat; records of older versions have none. */
	progress: jobProgressSchema.nullish(),
	/** Owner ids of dead holders whose place this one took. */
	tookOverFrom: z.array(z.string()),
});
export type LockRecord = z.infer<typeof lockRecordSchema>;

/** A lock file as found; `record` is missing when it cannot be read. */
export interface FoundLock {
	readonly name: string;
	readonly ownerId: string;
	readonly key: string;
	readonly bytes: number;
	readonly modifiedAt: Date;
	readonly record: LockRecord | undefined;
}

/** How often a holder writes its file. */
export const HEARTBEAT_MS = 15_000;
/** A holder that has not written its file for so long is dead. */
export const DEAD_AFTER_MS = 6 * HEARTBEAT_MS;

/**
 * Whether the holder is dead: its process is known to be gone, or its heartbeat is overdue.
 * @param storeNow the store's own present, such as the time of a file just written: clocks of two machines are never compared
 */
export function isDead(lock: FoundLock, storeNow: Date): boolean {
	if (lock.record && isSurelyDead(lock.record.owner)) return true;
	return storeNow.getTime() - lock.modifiedAt.getTime() > DEAD_AFTER_MS;
}

/** The files of one lock. */
export async function findLocks(store: Store, name: string): Promise<FoundLock[]> {
	return await readAll(store, lockFolder(name));
}

/** The files of all locks. */
export async function findAllLocks(store: Store): Promise<FoundLock[]> {
	return await readAll(store, LOCKS_FOLDER);
}

async function readAll(store: Store, prefix: string): Promise<FoundLock[]> {
	const found: FoundLock[] = [];
	for await (const object of store.list(prefix)) {
		const lock = await readLock(store, object);
		if (lock) found.push(lock);
	}
	return found;
}

async function readLock(store: Store, object: StoredObject): Promise<FoundLock | undefined> {
	const match = /^locks\/([^/]+)\/([^/]+)\.json$/.exec(object.key);
	if (!match) return undefined;
	const [, name = '', ownerId = ''] = match;
	let text: string | undefined;
	try {
		text = await readSmallObject(store, object.key, NEVER_ABORTED);
	} catch (error) {
		if (!(error instanceof BackupError) || error.code !== 'MANIFEST_INVALID') throw error;
		return { ...object, name, ownerId, record: undefined };
	}
	// Released between listing and reading.
	if (text === undefined) return undefined;
	return { ...object, name, ownerId, record: parseRecord(text) };
}

function parseRecord(text: string): LockRecord | undefined {
	try {
		const parsed = lockRecordSchema.safeParse(JSON.parse(text));
		return parsed.success ? parsed.data : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
