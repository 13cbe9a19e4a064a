import type { Component } from '../catalog/component';
import type { RunHistory } from '../catalog/run-history';
import { type LogRow, rowsOfStore } from '../log/log-row';
import type { Survey } from '../status/read-status';
import { COUNTED_KINDS } from '../status/thresholds';

/** What is known of what ran, also of backups that are pruned since. */
export interface Past {
	readonly rows: readonly LogRow[];
	/** Ids of the backups that are still here. */
	readonly kept: ReadonlySet<string>;
	/**
	 * From when on a day without a run of the component had none: earlier, its backups may have been pruned. Milliseconds since 1970.
	 * Without a history it is when the newest backup began, which retention never deletes; `Infinity` where there is none.
	 */
	readonly knownSince: (component: Component) => number;
}

/** Puts together what a store holds and what its history remembers. */
export function pastOf({ status, backups, runs }: Survey, history: RunHistory): Past {
	const newest = (component: Component) => backups.find((backup) => backup.component === component && COUNTED_KINDS.includes(backup.kind));
	return {
		rows: rowsOfStore(runs, backups, status.store, history),
		kept: new Set(backups.map(({ id }) => id)),
		knownSince: (component) => {
			const since = history.since.get(component) ?? newest(component)?.startedAt;
			return since === undefined ? Number.POSITIVE_INFINITY : new Date(since).getTime();
		},
	};
}

/** Whether a component can be brought back from what this run left. */
export function isUsable(row: LogRow): boolean {
	return row.status === 'success' && !row.damaged && COUNTED_KINDS.some((kind) => kind === row.kind);
}
