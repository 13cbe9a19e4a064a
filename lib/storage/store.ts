import type { Readable } from 'node:stream';

/** An object of a store. `key` is relative to the store's root, with `/` between its parts. */
export interface StoredObject {
	readonly key: string;
	readonly bytes: number;
	/** By the store's own clock: compare only with times of the same store. */
	readonly modifiedAt: Date;
}

export interface PutOptions {
	readonly signal: AbortSignal;
	/** Told after each chunk, with the bytes taken so far. */
	readonly onBytes?: (total: number) => void;
	/** About how large it will be, for stores that must choose a part size or check free space first. */
	readonly expectedBytes?: number;
	/** The object holds secrets: stores with file modes use 0600 instead of 0640. */
	readonly secret?: boolean;
	/** The object is part of a backup and never rewritten: a store with Object Lock locks it. */
	readonly immutable?: boolean;
}

/** Why nobody can delete an object now. */
export interface Protection {
	/** When it ends; null: when somebody lifts it (a legal hold). */
	readonly until: Date | null;
}

export interface GetOptions {
	readonly signal: AbortSignal;
	/** First byte, from 0. */
	readonly start?: number;
	/** Last byte, inclusive. */
	readonly end?: number;
}

/**
 * Where backups live. A store keeps whole objects under keys, like a bucket:
 * an object is either not there or complete and durable; nobody ever sees half of one.
 *
 * Every method rejects with a `BackupError`: `PATH_REFUSED` for a key that is not plain (see `key.ts`),
 * `OBJECT_NOT_FOUND`, `STORE_FULL`, `STORE_NOT_WRITABLE`, `STORE_UNAVAILABLE`, `CANCELLED`; stores on a network also with
 * `AUTHENTICATION_FAILED`, `PERMISSION_DENIED`, `TLS_FAILED`, `OBJECT_NOT_LOCKED`.
 * `store-contract.ts` under `test/support` is the suite that every store passes.
 */
export interface Store {
	/** For messages and manifests: kind and place, without secrets, e.g. `folder /backups`. */
	readonly description: string;

	/**
	 * Writes `source` to `key`, replacing what was there only once everything is durable.
	 * When it rejects, the old object (or none) is there and nothing else is left behind.
	 * @returns the number of bytes written
	 */
	put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<number>;

	/** Opens an object for reading; the stream fails with a `BackupError`. */
	get(key: string, options: GetOptions): Promise<Readable>;

	/** The object's size and time, or `undefined` where there is none. */
	stat(key: string): Promise<StoredObject | undefined>;

	/** All objects whose key starts with `prefix` (which is empty or ends with `/`), in no particular order; unfinished ones are not among them. */
	list(prefix: string): AsyncIterable<StoredObject>;

	/** The names of the "folders" directly below `prefix`, also of those that hold nothing but an unfinished write. */
	listFolders(prefix: string): Promise<string[]>;

	/** Removes an object; one that is not there is no error. */
	remove(key: string): Promise<void>;

	/** What keeps an object from being deleted for good, if anything does. `remove` may still hide it. */
	protection(key: string): Promise<Protection | undefined>;

	/** Bytes that can still be written, where the store can tell. */
	freeBytes(): Promise<number | undefined>;

	/** Writes, reads back and removes a small object: proves that the store can be used. */
	check(signal: AbortSignal): Promise<void>;

	/** What interrupted writes left behind, and writes that are going on now. Their keys serve for display only. */
	listUnfinished(prefix: string): AsyncIterable<StoredObject>;

	/** Removes what interrupted writes left behind and is older than `olderThan` by the store's clock. @returns what was removed */
	removeUnfinished(prefix: string, olderThan: Date): Promise<StoredObject[]>;
}
