import type { State } from '../status/component-status';
import { type Html, html } from './html';

/** `NONE`: nothing was there. `UNKNOWN`: what was there is not known any more. */
export type ShownState = State | 'NONE' | 'UNKNOWN';

export const SIGNS: Readonly<Record<ShownState, string>> = { OK: '\u2713', WARNING: '!', CRITICAL: '\u2715', NONE: '\u2013', UNKNOWN: '?' };
export const WORDS: Readonly<Record<ShownState, string>> = { OK: 'OK', WARNING: 'Warning', CRITICAL: 'Critical', NONE: 'No data', UNKNOWN: 'Not known' };

/** A state as colour, sign and word. */
export function badge(state: ShownState, word: string = WORDS[state]): Html {
	return html`<span class="state ${state}"><span aria-hidden="true">${SIGNS[state]}</span>${word}</span>`;
}

/** A table that scrolls by itself, also by keyboard, where the page is narrow; on a phone each row is a block of its own. The first cell of each row is its heading. */
export function table(columns: readonly string[], rows: readonly (readonly (Html | string)[])[]): Html {
	const body = rows.map(([first, ...rest]) => html`<tr><th scope="row">${first ?? ''}</th>${rest.map((cell, at) => html`<td data-label="${columns[at + 1] ?? ''}">${cell}</td>`)}</tr>`);
	return html`<div class="scroll" tabindex="0" role="region" aria-label="${columns.join(', ')}"><table><thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Text that stays on one line. */
export function whole(text: string): Html {
	return html`<span class="whole">${text}</span>`;
}
