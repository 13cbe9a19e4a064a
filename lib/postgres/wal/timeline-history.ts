import { type Lsn, parseLsn } from '../replication/lsn';

/** Where a timeline was left for the next one of a history. */
export interface TimelineSwitch {
	readonly timeline: number;
	readonly at: Lsn;
}

/** A stretch of the log that belongs to one timeline; `to` is missing on the last. */
export interface Leg {
	readonly timeline: number;
	readonly from: Lsn;
	readonly to?: Lsn;
}

/**
 * The contents of a history file: the ancestors of its timeline, the oldest first.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
export function parseHistory(text: string): TimelineSwitch[] {
	return text.split('\n').flatMap((line) => {
		const [, timeline, at] = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line) ?? [];
		return timeline === undefined || at === undefined ? [] : [{ timeline: Number(timeline), at: parseLsn(at) }];
	});
}

/** The way of the log to `timeline` through its ancestors, from the first on. */
export function legsTo(timeline: number, history: readonly TimelineSwitch[]): Leg[] {
	const legs: Leg[] = [];
	let from = 0n;
	for (const ancestor of history) {
		legs.push({ timeline: ancestor.timeline, from, to: ancestor.at });
		from = ancestor.at;
	}
	return [...legs, { timeline, from }];
}
