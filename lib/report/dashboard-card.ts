import { durationWords, sizeWords, timeWords } from '../core/words';
import type { ComponentStatus } from '../status/component-status';
import type { StatusResult } from '../status/read-status';
import { badge, whole } from './dashboard-parts';
import { heldComponents, shownState } from './held-components';
import { type Html, html } from './html';
import { localTimes } from './local-times';

/** How one component stands. */
export function componentCard(component: ComponentStatus, { hold, checkedAt }: StatusResult, timeZone: string): Html {
	const { lastSuccess, lastVerified, lastRestored, ageHours, sizeTrend } = component;
	const when = (iso: string | undefined) => (iso === undefined ? 'never' : timeWords(iso, timeZone));
	const trend = sizeTrend === null || Math.abs(sizeTrend - 1) < 0.01 ? '' : `, ${sizeTrend > 1 ? '+' : '\u2212'}${Math.abs((sizeTrend - 1) * 100).toFixed(0)} % of usual`;
	const reasons = [...component.reasons, ...(heldComponents(hold).includes(component.component) ? ['Retention is on hold because of its backups: see above.'] : [])];
	return html`<section class="card" aria-label="${component.label}"><header><h3>${component.label}</h3>${badge(shownState(component, hold))}</header>
${reasons.length === 0 ? null : html`<ul class="reasons">${reasons.map((reason) => html`<li>${localTimes(reason, timeZone)}</li>`)}</ul>`}
<dl><dt>Newest</dt><dd>${ageHours === null ? when(lastSuccess?.startedAt) : html`${whole(`${when(lastSuccess?.startedAt)},`)} ${whole(`${durationWords(ageHours * 3600)} ago`)}`}</dd>
<dt>Next expected</dt><dd>${nextWords(component, checkedAt, timeZone)}</dd>
<dt>Verified</dt><dd>${when(lastVerified?.at)}${lastVerified ? ` (${lastVerified.level})` : ''}</dd>
<dt>Restored</dt><dd>${when(lastRestored?.at)}</dd>
<dt>Size</dt><dd>${lastSuccess ? `${sizeWords(lastSuccess.storedBytes)}${trend}` : '\u2013'}</dd>
<dt>Copies</dt><dd>${lastSuccess ? (lastSuccess.copies.length === 0 ? 'none known' : lastSuccess.copies.map(({ store }) => store).join('; ')) : '\u2013'}</dd>
<dt>Kept</dt><dd>${component.backups} backup${component.backups === 1 ? '' : 's'}, ${sizeWords(component.storedBytes)}</dd></dl></section>`;
}

/** Late is what the state calls so: a run that is on its way is given the time that it takes. */
function nextWords({ nextExpectedBy, findings }: ComponentStatus, checkedAt: string, timeZone: string): Html {
	if (nextExpectedBy === null) return html`now: there is none`;
	const late = (Date.parse(checkedAt) - Date.parse(nextExpectedBy)) / 1000;
	const stale = findings.find(({ kind }) => kind === 'stale');
	if (late <= 0) return html`by ${timeWords(nextExpectedBy, timeZone)}`;
	return html`by ${timeWords(nextExpectedBy, timeZone)}${stale ? html` ${badge(stale.state, `${durationWords(late)} late`)}` : ', due now'}`;
}
