import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { Component } from './component';
import { manifestKey } from './layout';
import type { Manifest } from './manifest';
import { parseManifest } from './parse-manifest';
import { NEVER_ABORTED, readSmallObject } from './small-object';

/**
 * @returns `undefined` when there is no manifest: then there is no backup
 * @throws BackupError `MANIFEST_INVALID`, `MANIFEST_TOO_NEW`, or the store's error
 */
export async function readManifest(store: Store, component: Component, id: string, signal = NEVER_ABORTED): Promise<Manifest | undefined> {
	const text = await readSmallObject(store, manifestKey(component, id), signal);
	return text === undefined ? undefined : parseManifest(text, { component, id });
}

/** Whether `error` is about one manifest's contents, not about the store. */
export function isManifestError(error: unknown): error is BackupError {
	return error instanceof BackupError && (error.code === 'MANIFEST_INVALID' || error.code === 'MANIFEST_TOO_NEW');
}
