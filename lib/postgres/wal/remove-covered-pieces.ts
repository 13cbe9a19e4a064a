import { throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import type { WalIndex } from './archive-index';
import { removeWal } from './wal-archive';

/**
 * Removes the pieces of segments that are archived as a whole: a run that is killed between the two leaves them, and they are of no use.
 * The archive's lock must be held.
 */
export async function removeCoveredPieces(store: Store, { systemIdentifier, parts }: WalIndex, signal: AbortSignal): Promise<void> {
	for (const of of parts.values()) {
		const whole = new Set(of.flatMap((part) => (part.whole ? [part.segment] : [])));
		for (const part of of) {
			if (part.whole || !whole.has(part.segment)) continue;
			throwIfAborted(signal);
			await removeWal(store, { name: part.name, timeline: part.timeline, systemIdentifier }, signal);
		}
	}
}
