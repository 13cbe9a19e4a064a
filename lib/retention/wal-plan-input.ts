import { walkBackups } from '../catalog/list-backups';
import type { JobContext } from '../core/context';
import { parseLsn } from '../postgres/replication/lsn';
import { readWalIndex } from '../postgres/wal/archive-index';
import { archivedSegmentBytes } from '../postgres/wal/archived-servers';
import type { Store } from '../storage/store';
import type { WalBase, WalPlanInput } from './plan-wal';

export interface WalPlanRequest {
	readonly windowHours: number;
	/** Backups that a running job reads or needs. */
	readonly inUse: ReadonlySet<string>;
	/** By the store's own clock, which wrote the times of its objects. */
	readonly now: Date;
}

/** What there is of a server's WAL, and the base backups that it belongs to; undefined where nothing of the archive can be read. */
export async function walPlanInput(store: Store, systemIdentifier: string, { windowHours, inUse, now }: WalPlanRequest, context: Pick<JobContext, 'keys' | 'signal'>): Promise<WalPlanInput | undefined> {
	const { bases, unreadable, segmentBytes } = await findBases(store, systemIdentifier, inUse);
	const size = segmentBytes ?? (await archivedSegmentBytes(store, systemIdentifier, context.signal));
	if (size === undefined) return undefined;
	const index = await readWalIndex(store, { systemIdentifier, segmentBytes: size }, context);
	return { index, bases, unreadable, windowHours, now };
}

async function findBases(store: Store, systemIdentifier: string, inUse: ReadonlySet<string>) {
	const all = new Map<string, { readonly parent: string | null; readonly sound: boolean }>();
	const found: Omit<WalBase, 'restorable'>[] = [];
	const unreadable: string[] = [];
	let segmentBytes: number | undefined;
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', kinds: ['base', 'incremental'] })) {
		all.set(summary.id, { parent: summary.parent, sound: manifest !== undefined && summary.status === 'success' });
		if (!manifest) unreadable.push(summary.id);
		const details = manifest?.basebackup;
		if (details?.systemIdentifier !== systemIdentifier) continue;
		segmentBytes = details.segmentBytes;
		found.push({
			id: summary.id,
			timeline: details.timeline,
			startLsn: parseLsn(details.startLsn),
			endLsn: parseLsn(details.endLsn),
			endedAt: new Date(details.endedAt),
			inUse: inUse.has(summary.id),
		});
	}
	const complete = (id: string, seen = new Set<string>()): boolean => {
		const backup = all.get(id);
		if (!backup?.sound || seen.has(id)) return false;
		return backup.parent === null || complete(backup.parent, seen.add(id));
	};
	return { bases: found.map((base) => ({ ...base, restorable: complete(base.id) })), unreadable, segmentBytes };
}
