import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { withBackupInUse } from './use-backup';

/** Runs `body` while pruning leaves every member of a chain alone. */
export async function withChainInUse<T>(store: Store, context: JobContext, chain: readonly Manifest[], body: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const [first, ...rest] = chain;
	if (!first) return await body(context.signal);
	return await withBackupInUse(store, context, first, async (signal) => await withChainInUse(store, { ...context, signal }, rest, body));
}
