import type { RecoverySummary } from '../catalog/recovery-summary';
import type { RecoveryWindow } from '../catalog/recovery-window';
import type { BackupSummary } from '../catalog/summary';
import type { JobProgress } from '../core/progress';
import type { ComponentStatus } from '../status/component-status';
import type { StatusResult } from '../status/read-status';
import { badge, scrolling } from './dashboard-parts';
import type { RtoForecast } from './forecast-rto';
import { type Html, html } from './html';
import { durationWords, sizeWords, timeWords } from '../core/words';

type Run = ComponentStatus['running'][number];

/** A bar for whatever runs now; null: nothing does. */
export function runningSection({ components, checkedAt }: StatusResult): Html | null {
	const runs = components.flatMap(({ label, running }) => running.map((run) => ({ ...run, label })));
	if (runs.length === 0) return null;
	return html`<h2>Running now</h2><div class="cards">${runs.map((run) => runningCard(run, checkedAt))}</div>`;
}

function runningCard({ label, kind, source, startedAt, progress }: Run & { readonly label: string }, checkedAt: string): Html {
	const seconds = Math.max(0, (Date.parse(checkedAt) - Date.parse(startedAt)) / 1000);
	const known = progress?.done != null && progress.total !== null && progress.total > 0 ? { done: Math.min(progress.done, progress.total), total: progress.total } : null;
	const name = `${label}, ${kind} of ${source} is running`;
	const bar = known ? html`<progress aria-label="${name}" max="${known.total}" value="${known.done}"></progress>` : html`<progress aria-label="${name}"></progress>`;
	return html`<div class="card"><p><strong>${label}</strong>: ${kind} of ${source}, running for ${durationWords(seconds)}</p>${bar}<p class="small soft">${progress ? progressWords(progress) : 'It has not told how far it is.'}</p></div>`;
}

function progressWords({ step, done, total, unit, perSecond }: JobProgress): string {
	if (done === null) return step;
	const amount = (value: number) => (unit === 'bytes' ? sizeWords(value) : `${Math.round(value)} ${unit ?? ''}`.trim());
	const share = total !== null && total > 0 ? `, ${Math.floor(Math.min(1, done / total) * 100)} % of ${amount(total)}` : '';
	const rate = perSecond !== null && perSecond > 0 ? `, ${amount(perSecond)} a second` : '';
	const left = total !== null && total > done && perSecond !== null && perSecond > 0 ? `, about ${durationWords((total - done) / perSecond)} left` : '';
	return `${step}: ${amount(done)}${share}${rate}${left}`;
}

/** What runs on a schedule and did not succeed when it should have. */
export function overdueNotice({ overdue }: StatusResult, timeZone: string): Html | null {
	if (overdue.length === 0) return null;
	const items = overdue.map(({ name, succeededAt, nextBy }) => html`<li>${name}: last success ${timeWords(succeededAt, timeZone)}, the next was expected by ${timeWords(nextBy, timeZone)}</li>`);
	return html`<div class="notice CRITICAL" role="status"><strong>${overdue.length === 1 ? 'A schedule has silently stopped' : `${overdue.length} schedules have silently stopped`}</strong><ul>${items}</ul></div>`;
}

/** To which moments each server can be recovered. */
export function windowSection({ recoveryWindows, checkedAt }: StatusResult, timeZone: string): Html {
	const heading = html`<h2>Recovery to a point in time</h2>`;
	if (recoveryWindows.length === 0) return html`${heading}<p>No base backup is here, so recovery is to the moments of the dumps only.</p>`;
	return html`${heading}${scrolling(['Server', 'Any moment from', 'to', 'Length', 'Behind now', 'State'], recoveryWindows.map((window) => windowRow(window, checkedAt, timeZone)))}`;
}

function windowRow({ source, from, to, gap, bases }: RecoveryWindow, checkedAt: string, timeZone: string): Html {
	const length = to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000;
	const behind = to === null ? null : Math.max(0, (Date.parse(checkedAt) - Date.parse(to)) / 1000);
	const state = gap === null ? badge(to === null ? 'WARNING' : 'OK') : html`${badge('WARNING')} <span class="small">${gap}</span>`;
	return html`<tr><th scope="row">${source}<span class="small soft"> (${bases} base backup${bases === 1 ? '' : 's'})</span></th><td>${timeWords(from, timeZone)}</td><td>${to === null ? 'not known' : timeWords(to, timeZone)}</td><td>${length === null ? '\u2013' : durationWords(length)}</td><td>${behind === null ? '\u2013' : durationWords(behind)}</td><td>${state}</td></tr>`;
}

const SHOWN_RECOVERIES = 6;

/** Recoveries and drills by runbook, and what they let expect. */
export function recoverySection(recoveries: readonly RecoverySummary[], forecast: RtoForecast, timeZone: string): Html {
	const rows = recoveries.slice(0, SHOWN_RECOVERIES).map(({ name, startedAt, state, seconds, by, explanation }) => {
		const shown = state === 'succeeded' ? badge('OK') : badge(state === 'running' ? 'WARNING' : 'CRITICAL', state);
		return html`<tr><td>${timeWords(startedAt, timeZone)}</td><th scope="row">${name}</th><td>${by || '\u2013'}</td><td>${durationWords(seconds)}</td><td>${shown}</td><td>${explanation}</td></tr>`;
	});
	return html`<h2>Recoveries and whole drills</h2><p>${forecast.explanation}</p>${rows.length === 0 ? html`<p>No runbook was ever run.</p>` : scrolling(['When', 'Runbook', 'By', 'Took', 'Result', 'How far'], rows)}`;
}

/** What is stored in each place that this store knows of. */
export function storageSection({ components, store }: StatusResult, backups: readonly BackupSummary[], timeZone: string): Html {
	const total = components.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
	const shares = components.map(({ label, storedBytes }) => {
		const share = total === 0 ? 0 : (storedBytes / total) * 100;
		return html`<tr><th scope="row">${label}</th><td>${sizeWords(storedBytes)}</td><td><div class="meter" aria-hidden="true"><i style="width:${share.toFixed(1)}%"></i></div><span class="small soft">${share.toFixed(0)} %</span></td></tr>`;
	});
	const places = placesOf(store, backups).map(({ place, count, bytes, checkedAt }) => html`<tr><th scope="row">${place}</th><td>${count}</td><td>${sizeWords(bytes)}</td><td>${checkedAt === null ? 'here' : timeWords(checkedAt, timeZone)}</td></tr>`);
	return html`<h2>Storage</h2>${scrolling(['Place', 'Backups', 'Size', 'Newest copy read back'], places)}<p class="small soft">Of other places as this one knows them: a copy may have been deleted there since. Archived WAL is not counted.</p>${scrolling(['Component', 'Size here', 'Share'], shares)}`;
}

interface Place {
	readonly place: string;
	readonly count: number;
	readonly bytes: number;
	/** ISO 8601; null: the place itself. */
	readonly checkedAt: string | null;
}

function placesOf(store: string, backups: readonly BackupSummary[]): Place[] {
	const places = new Map<string, Place>([[store, { place: store, count: backups.length, bytes: backups.reduce((sum, { storedBytes }) => sum + storedBytes, 0), checkedAt: null }]]);
	for (const { copies, storedBytes } of backups) {
		for (const { store: place, checkedAt } of copies) {
			const known = places.get(place);
			const newest = known?.checkedAt != null && known.checkedAt > checkedAt ? known.checkedAt : checkedAt;
			places.set(place, { place, count: (known?.count ?? 0) + 1, bytes: (known?.bytes ?? 0) + storedBytes, checkedAt: newest });
		}
	}
	return [...places.values()];
}
