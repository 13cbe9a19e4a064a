import { throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import type { WalIndex } from './archive-index';
import { PIECE_GRACE_MS } from './superseded-pieces';
import { removeWal } from './wal-archive';

/**
 * Removes the pieces of segments that have been archived as a whole for an hour: they are of no use to anybody any more.
 * The archive's lock must be held.
 * @param storeNow the present by the store's clock, which wrote the times of its objects
 */
export async function removeCoveredPieces(store: Store, { systemIdentifier, parts }: WalIndex, storeNow: Date, signal: AbortSignal): Promise<void> {
	const before = storeNow.getTime() - PIECE_GRACE_MS;
	for (const of of parts.values()) {
		const whole = new Set(of.flatMap((part) => (part.whole && part.archivedAt.getTime() <= before ? [part.segment] : [])));
		for (const part of of) {
			if (part.whole || !whole.has(part.segment)) continue;
			throwIfAborted(signal);
			await removeWal(store, { name: part.name, timeline: part.timeline, systemIdentifier }, signal);
		}
	}
}
