import type { RecoverySummary } from '../catalog/recovery-summary';
import { timeWords } from '../core/words';
import type { StatusResult } from '../status/read-status';
import type { Period } from './calendar';
import type { ReportedFailure } from './find-failures';
import type { Drill, Kpi } from './kpis';
import { localTimes } from './local-times';
import type { MonthlyRow } from './monthly-rows';

/** What a report tells, before it is put into words. */
export interface MonthlyReport {
	readonly title: string;
	readonly timeZone: string;
	readonly period: Period;
	readonly status: StatusResult;
	readonly rows: readonly MonthlyRow[];
	readonly kpis: readonly Kpi[];
	/** Those that are open first. */
	readonly failures: readonly ReportedFailure[];
	/** Since when every failed run is known, ISO 8601; null: only the newest of each series is. */
	readonly failuresSince: string | null;
	/** Newest first. */
	readonly drills: readonly Drill[];
	/** Recoveries and drills by runbook, newest first. */
	readonly recoveries: readonly RecoverySummary[];
}

/** More than these are counted and not listed: mail programs cut off what is longer than about 100 kB. */
export const MOST_LISTED = 15;

/** Of a list, what is shown, and what the rest is called; null: it is all there. */
export function capped<T>(items: readonly T[]): { readonly shown: readonly T[]; readonly more: string | null } {
	return { shown: items.slice(0, MOST_LISTED), more: items.length > MOST_LISTED ? `and ${items.length - MOST_LISTED} more` : null };
}

/** Where the report knows less than people may think. */
export function failuresNote({ failuresSince, failures, period, rows, timeZone }: MonthlyReport): string | null {
	if (rows.length + failures.length === 0) return null;
	if (failuresSince === null) return 'Of failed runs this store remembers the newest of each series until one succeeds.';
	if (Date.parse(failuresSince) <= period.from) return null;
	return `Every failed run since ${timeWords(failuresSince, timeZone)} is listed; of earlier ones the newest of each series, until one succeeded.`;
}

/** Something that a reader has to know first. */
export interface Gravity {
	readonly state: 'WARNING' | 'CRITICAL';
	readonly what: string;
	readonly detail: string;
}

/** The rest stands in the table of components. */
function firstOf(reasons: readonly string[]): string {
	return `${reasons[0] ?? ''}${reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ''}`;
}

const LONGEST_DETAIL = 400;

/** The gravest facts, worst first: a reader who reads no further than this knows what matters. */
export function gravestFacts({ status, failures, kpis, timeZone }: MonthlyReport): Gravity[] {
	const facts: Gravity[] = [];
	for (const { name, succeededAt, nextBy } of status.overdue) {
		facts.push({ state: 'CRITICAL', what: `${name} has silently stopped`, detail: `Its last success was at ${timeWords(succeededAt, timeZone)}; the next was expected by ${timeWords(nextBy, timeZone)}.` });
	}
	if (status.hold) facts.push({ state: status.hold.by === 'anomaly' ? 'CRITICAL' : 'WARNING', what: 'Retention is on hold', detail: `Since ${timeWords(status.hold.since, timeZone)}: ${status.hold.reason} Nothing is pruned until a person lifts it.` });
	for (const component of status.components) {
		const { state } = component;
		if (state !== 'OK') facts.push({ state, what: `${component.label}: ${state === 'CRITICAL' ? 'critical' : 'warning'}`, detail: firstOf(component.reasons) });
	}
	const open = failures.filter((failure) => failure.open).length;
	if (open > 0) facts.push({ state: 'WARNING', what: `${open} failure${open === 1 ? ' is' : 's are'} still open`, detail: 'They stand first in the list of failures below.' });
	const missed = kpis.filter(({ reached }) => reached === false);
	if (missed.length > 0) facts.push({ state: 'WARNING', what: `${missed.length} goal${missed.length === 1 ? ' was' : 's were'} missed`, detail: missed.map(({ name, actual, target }) => `${name}: ${actual ?? ''} (${target})`).join(' \u00b7 ') });
	const sorted = [...facts.filter(({ state }) => state === 'CRITICAL'), ...facts.filter(({ state }) => state === 'WARNING')];
	return sorted.map(({ detail, ...fact }) => {
		const text = localTimes(detail, timeZone);
		return { ...fact, detail: text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}\u2026` : text };
	});
}
