import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { NEVER_ABORTED, readSmallObject } from './small-object';

/** What lies under a key; `value` is undefined where nothing does, or what lies there is no JSON or too large to be ours. */
export interface FoundJson {
	readonly found: boolean;
	readonly value: unknown;
}

/** Reads a record that anybody may have damaged. @throws BackupError of the store */
export async function readJson(store: Store, key: string): Promise<FoundJson> {
	try {
		const text = await readSmallObject(store, key, NEVER_ABORTED);
		return text === undefined ? { found: false, value: undefined } : { found: true, value: JSON.parse(text) as unknown };
	} catch (error) {
		if (error instanceof SyntaxError || (error instanceof BackupError && error.code === 'MANIFEST_INVALID')) return { found: true, value: undefined };
		throw error;
	}
}
