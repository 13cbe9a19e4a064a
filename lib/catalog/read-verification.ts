import type { Store } from '../storage/store';
import type { Component } from './component';
import { verificationKey } from './layout';
import { readJson } from './read-json';
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
	const { found, value } = await readJson(store, verificationKey(component, id));
	if (!found) return { verification: undefined, unreadable: false };
	const parsed = verificationSchema.safeParse(value);
	return parsed.success && parsed.data.backup === id ? { verification: parsed.data, unreadable: false } : { verification: undefined, unreadable: true };
}
