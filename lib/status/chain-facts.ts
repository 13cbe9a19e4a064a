import type { BackupSummary } from '../catalog/summary';

/** What a backup needs to be restored, itself included. */
export interface ChainFacts {
	/** The backup that stands alone and everything else builds on; null: it is not in the store. */
	readonly full: string | null;
	readonly length: number;
	readonly complete: boolean;
	/** Why not; null: it is complete. */
	readonly problem: string | null;
}

/**
 * Follows a backup to the one that stands alone. Pure.
 * @param lost of which an artifact is not in the store, and how
 */
export function chainOf(backup: BackupSummary, byId: ReadonlyMap<string, BackupSummary>, lost: ReadonlyMap<string, string>): ChainFacts {
	const seen = new Set([backup.id]);
	let at = backup;
	let problem: string | null = null;
	while (at.parent !== null) {
		const id = at.parent;
		const parent = byId.get(id);
		if (!parent || seen.has(id)) return { full: null, length: seen.size, complete: false, problem: problem ?? `backup ${id} is not in the store` };
		seen.add(id);
		if (parent.status === 'damaged') problem ??= `backup ${id} is damaged`;
		else if (lost.has(id)) problem ??= `backup ${id} is incomplete`;
		at = parent;
	}
	return { full: at.id, length: seen.size, complete: problem === null, problem };
}
