import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { Component } from './component';
import { verificationKey } from './layout';
import { NEVER_ABORTED, readSmallObject } from './small-object';
import { type Verification, verificationSchema } from './verification';

/**
 * The checks of a backup, `undefined` where none is recorded.
 * A record that cannot be read counts as none: it must neither hide the backup nor make it count as verified.
 */
export async function readVerification(store: Store, component: Component, id: string): Promise<Verification | undefined> {
	let text: string | undefined;
	try {
		text = await readSmallObject(store, verificationKey(component, id), NEVER_ABORTED);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'MANIFEST_INVALID') return undefined;
		throw error;
	}
	if (text === undefined) return undefined;
	const parsed = verificationSchema.safeParse(parseJson(text));
	return parsed.success && parsed.data.backup === id ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
