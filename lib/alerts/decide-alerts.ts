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
	/** Since when it is so where the facts tell, otherwise when it was first told. */
	readonly since: string;
	/** 0: whoever is always told; each further one is a step up. */
	readonly level: number;
	/** What is to be remembered once this was delivered; null: nothing any more. */
	readonly after: OpenAlert | null;
}

export interface AlertPolicy {
	/** So long after it was told last, something that still lasts is told again; 0: never. */
	readonly repeatHours: number;
	/** So long after it was first told it is passed on, once for each; ascending. */
	readonly escalateAfterHours: readonly number[];
}

const HOUR = 3_600_000;

/**
 * What to tell people now. Pure. What is not delivered is decided again next time, because only `after` of what was delivered is remembered: so each thing
 * is told at least once, and no more than once where delivering works.
 * @param problems of several with one key the worst is told
 * @param judged whether this look could have found a problem of that key: only what it judged can be over
 */
export function decideAlerts(problems: readonly Problem[], open: readonly OpenAlert[], judged: (key: string) => boolean, policy: AlertPolicy, now: Date): AlertMessage[] {
	const known = new Map(open.map((alert) => [alert.key, alert]));
	const present = new Map<string, Problem>();
	for (const problem of problems) {
		const other = present.get(problem.key);
		if (!other || isWorse(problem, other)) present.set(problem.key, problem);
	}
	const told = [...present.values()].flatMap((problem) => {
		const message = tell(problem, stillOpen(known.get(problem.key), problem, now), policy, now);
		return message ? [message] : [];
	});
	const over = open.filter(({ key }) => !present.has(key) && judged(key)).map((alert): AlertMessage => ({ event: 'resolved', problem: problemOf(alert), since: alert.began ?? alert.since, level: alert.level, after: null }));
	return [...told, ...over];
}

/** What was told before all was well again is over, also where nobody looked in between. */
export function stillOpen(alert: OpenAlert | undefined, { wellAt }: Pick<Problem, 'wellAt'>, now: Date): OpenAlert | undefined {
	if (!alert || wellAt === undefined) return alert;
	// A time that has not come is by another clock, and says nothing of before and after.
	return Date.parse(wellAt) > Date.parse(alert.since) && Date.parse(wellAt) <= now.getTime() ? undefined : alert;
}

function tell(problem: Problem, before: OpenAlert | undefined, { repeatHours, escalateAfterHours }: AlertPolicy, now: Date): AlertMessage | undefined {
	const at = now.toISOString();
	const { wellAt: _, ...remembered } = problem;
	// Of a run that fails again and again the facts tell the newest failure only.
	const began = earlier(before?.began, problem.began);
	const since = before?.since ?? at;
	const message = (event: AlertEvent, level: number): AlertMessage => ({ event, problem, since: began ?? since, level, after: { ...remembered, ...(began !== undefined && { began }), since, toldAt: at, level } });
	if (!before) return message('problem', 0);
	if (isWorse(problem, before)) return message('worse', before.level);
	// After a long silence of ours several steps may be due: one message goes to all of them.
	const due = escalateAfterHours.filter((hours) => now.getTime() - Date.parse(since) >= hours * HOUR).length;
	if (due > before.level) return message('escalated', due);
	if (hasChanged(problem, before)) return message('changed', before.level);
	if (repeatHours > 0 && now.getTime() - Date.parse(before.toldAt) >= repeatHours * HOUR) return message('reminder', before.level);
	return undefined;
}

function isWorse(one: Pick<Problem, 'severity'>, other: Pick<Problem, 'severity'>): boolean {
	return SEVERITIES.indexOf(one.severity) > SEVERITIES.indexOf(other.severity);
}

/** An alert of an older version has no cause to compare. */
function hasChanged(problem: Problem, before: OpenAlert): boolean {
	return problem.title !== before.title || ((before.cause ?? '') !== '' && (problem.cause ?? '') !== before.cause);
}

function earlier(one: string | undefined, other: string | undefined): string | undefined {
	if (one === undefined || other === undefined) return one ?? other;
	return Date.parse(one) <= Date.parse(other) ? one : other;
}

/** What was wrong, as it was told last. */
export function problemOf({ since: _since, toldAt: _toldAt, level: _level, ...problem }: OpenAlert): Problem {
	return problem;
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
