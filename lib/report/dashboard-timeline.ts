import type { ComponentStatus } from '../status/component-status';
import { COUNTED_KINDS } from '../status/thresholds';
import { dayOf, type Period, shortDay } from './calendar';
import { type ShownState, SIGNS } from './dashboard-parts';
import { type Html, html } from './html';
import { isUsable, type Past } from './past';

/** For each component and day: whether a usable backup was made, only a damaged one, a failure, nothing, or whether nobody knows any more. */
export function timeline(components: readonly ComponentStatus[], past: Past, { days }: Period, timeZone: string): Html {
	if (past.rows.length === 0) return html`<p>Nothing has run yet.</p>`;
	const rows = components.map(({ component, label }) => {
		const counts = new Map(days.map((day) => [day, { good: 0, bad: 0 }]));
		for (const row of past.rows) {
			if (row.component !== component || !COUNTED_KINDS.some((kind) => kind === row.kind)) continue;
			const count = counts.get(dayOf(row.created_at, timeZone));
			if (count && isUsable(row)) count.good += 1;
			else if (count && row.status !== 'running') count.bad += 1;
		}
		const since = past.knownSince(component);
		const known = Number.isFinite(since) ? dayOf(new Date(since).toISOString(), timeZone) : '9999';
		const cells = days.map((day) => {
			const count = counts.get(day) ?? { good: 0, bad: 0 };
			const state = stateOf(count, day < known);
			const words = `${shortDay(day)}: ${wordsOf(count, state)}`;
			return html`<span class="day ${state}" role="img" aria-label="${words}" title="${words}"><b>${signOf(state)}</b><i>${Number(day.slice(8))}</i></span>`;
		});
		return html`<div><div class="small">${label}</div><div class="days">${cells}</div></div>`;
	});
	// A month's name where one begins, and at the first day; the numbers alone elsewhere.
	const axis = days.map((day, at) => html`<span>${at === 0 || day.endsWith('-01') ? shortDay(day) : Number(day.slice(8))}</span>`);
	return html`<div class="timeline">${rows}<div class="days axis" aria-hidden="true">${axis}</div><p class="soft small key">${LEGEND.map(([state, words]) => html`<span><span class="day ${state}" aria-hidden="true"><b>${signOf(state)}</b></span> ${words}</span>`)}</p></div>`;
}

const LEGEND: readonly (readonly [ShownState, string])[] = [
	['OK', 'a usable backup'],
	['WARNING', 'one, and a failure'],
	['CRITICAL', 'only failures or damaged ones'],
	['NONE', 'none'],
	['UNKNOWN', 'not known: what was made may be pruned since'],
];

/** Of what is not known there is no sign: a row of them would shout. */
function signOf(state: ShownState): string {
	return state === 'UNKNOWN' ? '' : SIGNS[state];
}

function stateOf({ good, bad }: { readonly good: number; readonly bad: number }, isBeforeKnown: boolean): ShownState {
	if (bad > 0) return good > 0 ? 'WARNING' : 'CRITICAL';
	return good > 0 ? 'OK' : isBeforeKnown ? 'UNKNOWN' : 'NONE';
}

function wordsOf({ good, bad }: { readonly good: number; readonly bad: number }, state: ShownState): string {
	if (state === 'UNKNOWN') return 'not known any more';
	return `${good} usable backup${good === 1 ? '' : 's'}${bad > 0 ? `, ${bad} failed or damaged` : ''}`;
}
