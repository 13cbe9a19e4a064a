import type { State } from '../status/component-status';
import { type Html, html } from './html';

export const SIGNS: Readonly<Record<State | 'NONE', string>> = { OK: '\u2713', WARNING: '!', CRITICAL: '\u2715', NONE: '\u2013' };
export const WORDS: Readonly<Record<State | 'NONE', string>> = { OK: 'OK', WARNING: 'Warning', CRITICAL: 'Critical', NONE: 'No data' };

/** A state as colour, sign and word. */
export function badge(state: State | 'NONE', word: string = WORDS[state]): Html {
	return html`<span class="state ${state}"><span aria-hidden="true">${SIGNS[state]}</span>${word}</span>`;
}

/** A table that scrolls by itself, also by keyboard, where the page is narrow. */
export function scrolling(columns: readonly string[], rows: readonly Html[]): Html {
	return html`<div class="scroll" tabindex="0" role="region" aria-label="${columns.join(', ')}"><table><thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
