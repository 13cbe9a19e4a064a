import type { State } from '../status/component-status';
import { type Html, html } from './html';
import { COLOURS, FONT, SIGNS, SOFT } from './monthly-style';

/** A state as colour, sign and word. */
export function badge(state: State, words: string): Html {
	return html`<span class="${state}" style="${COLOURS[state]}font-weight:bold;padding:1px 7px;white-space:nowrap;">${SIGNS[state]} ${words}</span>`;
}

export function section(heading: string, ...parts: readonly (Html | null)[]): Html {
	return html`<h2 style="${FONT}font-size:17px;line-height:22px;margin:26px 0 8px;">${heading}</h2>${parts.map((part) => part ?? html``)}`;
}

export function note(text: string): Html {
	return html`<p class="soft" style="${FONT}font-size:13px;line-height:18px;${SOFT}margin:6px 0;">${text}</p>`;
}

/** What is left over of a list that was cut; null: nothing is. */
export function moreNote(more: string | null): Html | null {
	return more === null ? null : note(`\u2026 ${more}.`);
}

/** Text that stays on one line. */
export function whole(text: string): Html {
	return html`<span style="white-space:nowrap;">${text}</span>`;
}

type Cell = Html | string;

/** The first cell of each row is its heading; on a phone each row is a block, and each cell says what it is. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Html {
	return frame('t s', columns, html`${rows.map((cells) => row(columns, cells))}`);
}

export function row(columns: readonly string[], [first, ...rest]: readonly Cell[]): Html {
	return html`<tr><th scope="row" align="left">${first ?? ''}</th>${rest.map((cell, at) => html`<td class="k" data-l="${columns[at + 1] ?? ''}">${cell}</td>`)}</tr>`;
}

/** A table with rows of its own. @param classes `t s` stacks on a phone, `t n` is narrow enough for one */
export function frame(classes: string, columns: readonly string[], body: Html): Html {
	return html`<table class="${classes}" width="100%" cellpadding="6" cellspacing="0" style="border-collapse:collapse;${FONT}font-size:14px;"><thead><tr>${columns.map((column) => html`<th scope="col" align="left">${column}</th>`)}</tr></thead><tbody>${body}</tbody></table>`;
}
