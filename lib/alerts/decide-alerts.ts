import type { OpenAlert } from './alert-state';
import { type Problem, SEVERITIES } from './problem';

/**
 * `problem`: new; `worse`: it has become critical; `changed`: the same thing fails in another way; `escalated`: nobody has mended it, so that the next in
 * line hears of it; `reminder`: it still lasts; `resolved`: it is over.
 */
export type AlertEvent = 'problem' | 'worse' | 'changed' | 'escalated' | 'reminder' | 'resolved';

export interface AlertMessage {
	readonly event: AlertEvent;
	readonly problem: Problem;
	readonly since: string;
	/** 0: whoever is always told; each further one is a step up. */
	readonly level: number;
	/** What is to be remembered once this was delivered; null: nothing any more. */
	readonly after: OpenAlert | null;
}

export interface AlertPolicy {
	/** So long after it was told last, something that still lasts is told again; 0: never. */
	readonly repeatHours: number;
	/** So long after it began it is passed on, once for each; ascending. */
	readonly escalateAfterHours: readonly number[];
}

const HOUR = 3_600_000;

/**
 * What to tell people now. Pure. What is not delivered is decided again next time, because only `after` of what was delivered is remembered: so each thing
 * is told at least once, and no more than once where delivering works.
 * @param judged whether this look could have found a problem of that key: only what it judged can be over
 */
export function decideAlerts(problems: readonly Problem[], open: readonly OpenAlert[], judged: (key: string) => boolean, policy: AlertPolicy, now: Date): AlertMessage[] {
	const known = new Map(open.map((alert) => [alert.key, alert]));
	const present = new Map(problems.map((problem) => [problem.key, problem]));
	const told = [...present.values()].flatMap((problem) => {
		const message = tell(problem, known.get(problem.key), policy, now);
		return message ? [message] : [];
	});
	const over = open.filter(({ key }) => !present.has(key) && judged(key)).map(({ since, level, ...alert }): AlertMessage => ({ event: 'resolved', problem: problemOf(alert), since, level, after: null }));
	return [...told, ...over];
}

function tell(problem: Problem, before: OpenAlert | undefined, { repeatHours, escalateAfterHours }: AlertPolicy, now: Date): AlertMessage | undefined {
	const at = now.toISOString();
	if (!before) return { event: 'problem', problem, since: at, level: 0, after: { ...problem, since: at, toldAt: at, level: 0 } };
	const { since, level } = before;
	const message = (event: AlertEvent, next = level): AlertMessage => ({ event, problem, since, level: next, after: { ...problem, since, toldAt: at, level: next } });
	if (SEVERITIES.indexOf(problem.severity) > SEVERITIES.indexOf(before.severity)) return message('worse');
	// After a long silence of ours several steps may be due: one message goes to all of them.
	const due = escalateAfterHours.filter((hours) => now.getTime() - Date.parse(since) >= hours * HOUR).length;
	if (due > level) return message('escalated', due);
	if (problem.title !== before.title) return message('changed');
	if (repeatHours > 0 && now.getTime() - Date.parse(before.toldAt) >= repeatHours * HOUR) return message('reminder');
	return undefined;
}

function problemOf({ key, severity, title, what, advice }: Problem): Problem {
	return { key, severity, title, what, advice };
}

/** What people know of after these messages were delivered. */
export function afterDelivery(open: readonly OpenAlert[], delivered: readonly { readonly key: string; readonly after: OpenAlert | null }[]): OpenAlert[] {
	const next = new Map(open.map((alert) => [alert.key, alert]));
	for (const { key, after } of delivered) {
		if (after) next.set(key, after);
		else next.delete(key);
	}
	return [...next.values()];
}
