import type { BackupKind, Component } from '../catalog/component';
import { seriesOf } from '../catalog/series';
import type { BackupSummary } from '../catalog/summary';
import type { ComponentFacts } from './component-facts';
import { isInFuture } from './freshness';
import { protectedUntil } from './protected-until';
import { COUNTED_KINDS } from './thresholds';

/** Which backups of a component count, and how far they reach. */
export interface Standing {
	/** Newest first. */
	readonly usable: readonly BackupSummary[];
	/** The one with which the newest data comes back, and to which moment. */
	readonly farthest: BackupSummary | undefined;
	readonly until: string | undefined;
	/** The newest of each place, newest first. */
	readonly newestOfEach: readonly BackupSummary[];
}

/** Names what is backed up, e.g. one database: full and incremental backups of it together, because either makes it safe. */
export function placeOf({ component, source }: { readonly component: Component; readonly source: string }): string {
	return seriesOf({ component, kind: 'full' satisfies BackupKind, source });
}

export function standingOf({ backups, now, reach }: Pick<ComponentFacts, 'backups' | 'now' | 'reach'>): Standing {
	const usable = backups.filter((backup) => backup.status === 'success' && COUNTED_KINDS.includes(backup.kind) && !isInFuture(backup.startedAt, now));
	// WAL that reaches far makes any backup of its server as good as new.
	const farthest = newestBy(usable, (backup) => protectedUntil(backup, reach));
	const newest = new Map<string, BackupSummary>();
	for (const backup of usable) if (!newest.has(backup.source)) newest.set(backup.source, backup);
	return { usable, farthest, until: farthest && protectedUntil(farthest, reach), newestOfEach: [...newest.values()] };
}

export function newestBy(backups: readonly BackupSummary[], time: (backup: BackupSummary) => string | undefined): BackupSummary | undefined {
	let best: BackupSummary | undefined;
	for (const backup of backups) {
		const at = time(backup);
		if (at !== undefined && (best === undefined || Date.parse(at) > Date.parse(time(best) ?? ''))) best = backup;
	}
	return best;
}
