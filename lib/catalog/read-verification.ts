import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { Component } from './component';
import { verificationKey } from './layout';
import { parseJson } from './parse-json';
import { NEVER_ABORTED, readSmallObject } from './small-object';
import { type Verification, verificationSchema } from './verification';

/** `unreadable`: there is a record, and what it says is not known; it may be that the backup is damaged. */
export interface FoundVerification {
	readonly verification: Verification | undefined;
	readonly unreadable: boolean;
}

/**
 * The checks of a backup, `undefined` where none is recorded.
 * A record that cannot be read counts as none: it must neither hide the backup nor make it count as verified.
 */
export async function readVerification(store: Store, component: Component, id: string): Promise<Verification | undefined> {
	return (await findVerification(store, component, id)).verification;
}

/** The same, and whether there is a record that cannot be read. */
export async function findVerification(store: Store, component: Component, id: string): Promise<FoundVerification> {
	const unreadable: FoundVerification = { verification: undefined, unreadable: true };
	let text: string | undefined;
	try {
		text = await readSmallObject(store, verificationKey(component, id), NEVER_ABORTED);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'MANIFEST_INVALID') return unreadable;
		throw error;
	}
	if (text === undefined) return { verification: undefined, unreadable: false };
	const parsed = verificationSchema.safeParse(parseJson(text));
	return parsed.success && parsed.data.backup === id ? { verification: parsed.data, unreadable: false } : unreadable;
}
