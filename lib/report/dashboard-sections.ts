import type { RecoverySummary } from '../catalog/recovery-summary';
import type { RecoveryWindow } from '../catalog/recovery-window';
import type { BackupSummary } from '../catalog/summary';
import type { JobProgress } from '../core/progress';
import type { ComponentStatus } from '../status/component-status';
import type { StatusResult } from '../status/read-status';
import { badge, table, whole } from './dashboard-parts';
import type { ReportedFailure } from './find-failures';
import type { RtoForecast } from './forecast-rto';
import { type Html, html } from './html';
import type { Drill, Kpi } from './kpis';
import { localTimes } from './local-times';
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

/** What keeps anything from being pruned. */
export function holdNotice({ hold }: StatusResult, timeZone: string): Html | null {
	if (hold === null) return null;
	return html`<div class="notice ${hold.by === 'anomaly' ? 'CRITICAL' : 'WARNING'}" role="status"><strong>Retention is on hold</strong> since ${timeWords(hold.since, timeZone)}: ${localTimes(hold.reason, timeZone)} Nothing is pruned until a person lifts it.</div>`;
}

/** To which moments each server can be recovered. */
export function windowSection({ recoveryWindows, checkedAt }: StatusResult, timeZone: string): Html {
	const heading = html`<h2>Recovery to a point in time</h2>`;
	if (recoveryWindows.length === 0) return html`${heading}<p>No base backup is here, so recovery is to the moments of the dumps only.</p>`;
	return html`${heading}${table(['Server', 'Any moment from', 'to', 'Length', 'Behind now', 'State'], recoveryWindows.map((window) => windowRow(window, checkedAt, timeZone)))}`;
}

function windowRow({ source, from, to, gap, bases }: RecoveryWindow, checkedAt: string, timeZone: string): (Html | string)[] {
	const length = to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000;
	const behind = to === null ? null : Math.max(0, (Date.parse(checkedAt) - Date.parse(to)) / 1000);
	const state = gap === null ? badge(to === null ? 'WARNING' : 'OK') : html`${badge('WARNING')} <span class="small">${gap}</span>`;
	return [html`${source}<span class="small soft"> (${bases} base backup${bases === 1 ? '' : 's'})</span>`, timeWords(from, timeZone), to === null ? 'not known' : timeWords(to, timeZone), length === null ? '\u2013' : durationWords(length), behind === null ? '\u2013' : durationWords(behind), state];
}

/** The guide's figures against what the team wants. */
export function goalsSection(kpis: readonly Kpi[]): Html {
	const rows = kpis.map(({ name, target, actual, before, trend, reached, explanation }) => [
		html`${name}<details class="small soft"><summary>How it is computed</summary>${explanation}</details>`,
		target,
		actual ?? 'not measured yet',
		html`${before ?? 'not known'}${trend === null ? null : html`<br><span class="small soft">${trend}</span>`}`,
		reached === null ? badge('NONE') : badge(reached ? 'OK' : 'WARNING', reached ? 'Reached' : 'Missed'),
	]);
	return html`<h2>Goals</h2>${table(['Goal', 'Target', 'Last 30 days', '30 days before', 'State'], rows)}`;
}

const SHOWN_DRILLS = 8;

/** The newest restores as a test. */
export function drillsSection(drills: readonly Drill[], timeZone: string): Html {
	const heading = html`<h2>Restores as a test</h2>`;
	if (drills.length === 0) return html`${heading}<p>No backup was ever restored as a test. A backup that was never restored is a hope: run a restore drill.</p>`;
	const newest = [...drills].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, SHOWN_DRILLS);
	return html`${heading}${table(['When', 'Component', 'Backup', 'Took', 'Result'], newest.map(({ component, backup, at, durationSeconds, passed }) => [whole(timeWords(at, timeZone)), component, html`<code>${backup}</code>`, durationWords(durationSeconds), badge(passed ? 'OK' : 'CRITICAL', passed ? 'Passed' : 'Failed')]))}`;
}

const SHOWN_FAILURES = 10;

/** What failed in the time that the page shows, what is open first. @param ranOnce whether anything ever ran */
export function failuresSection(failures: readonly ReportedFailure[], ranOnce: boolean, timeZone: string): Html {
	const heading = html`<h2>Failures</h2>`;
	if (failures.length === 0) return html`${heading}<p>${ranOnce ? 'Nothing that is known of the last 30 days failed.' : 'Nothing has run yet.'}</p>`;
	const rows = failures.slice(0, SHOWN_FAILURES).map(({ at, what, message, open, done, advice }) => [whole(timeWords(at, timeZone)), what, localTimes(message, timeZone), html`${open ? badge('CRITICAL', 'Open') : badge('OK', 'Mended')} ${open ? localTimes(advice, timeZone) : localTimes(done, timeZone)}`]);
	const more = failures.length - SHOWN_FAILURES;
	return html`${heading}${table(['When', 'What', 'Why', 'What was done'], rows)}${more > 0 ? html`<p class="small soft">and ${more} more</p>` : null}`;
}

const SHOWN_RECOVERIES = 6;

/** Recoveries and drills by runbook, and what they let expect. */
export function recoverySection(recoveries: readonly RecoverySummary[], forecast: RtoForecast, timeZone: string): Html {
	const rows = recoveries.slice(0, SHOWN_RECOVERIES).map(({ name, startedAt, state, seconds, by, explanation }) => {
		const shown = state === 'succeeded' ? badge('OK', 'Succeeded') : badge(state === 'running' ? 'WARNING' : 'CRITICAL', state);
		return [whole(timeWords(startedAt, timeZone)), name, by || '\u2013', durationWords(seconds), shown, localTimes(explanation, timeZone)];
	});
	return html`<h2>Recoveries and whole drills</h2><p>${forecast.explanation}</p>${rows.length === 0 ? html`<p>No runbook was ever run.</p>` : table(['When', 'Runbook', 'By', 'Took', 'Result', 'How far'], rows)}`;
}

/** What is stored in each place that this store knows of. @param walBytes archived WAL in this one */
export function storageSection({ components, store }: StatusResult, backups: readonly BackupSummary[], walBytes: number, timeZone: string): Html {
	const sizes = [...components.map(({ label, storedBytes }) => ({ label, bytes: storedBytes })), ...(walBytes > 0 ? [{ label: 'Archived WAL', bytes: walBytes }] : [])];
	const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
	const shares = sizes.map(({ label, bytes }) => {
		const share = total === 0 ? 0 : (bytes / total) * 100;
		return [label, sizeWords(bytes), html`<div class="meter" aria-hidden="true"><i style="width:${share.toFixed(1)}%"></i></div><span class="small soft">${share > 0 && share < 1 ? 'below 1' : share.toFixed(0)} %</span>`];
	});
	const places = placesOf(store, backups).map(({ place, count, bytes, checkedAt }) =>
		checkedAt === null
			? [place, String(count), sizeWords(bytes), sizeWords(walBytes), sizeWords(bytes + walBytes), 'here']
			: [place, String(count), sizeWords(bytes), 'not known here', `${sizeWords(bytes)} and its WAL`, timeWords(checkedAt, timeZone)],
	);
	return html`<h2>Storage</h2>${table(['Place', 'Backups', 'Size', 'Archived WAL', 'Together', 'Newest copy read back'], places)}<p class="small soft">Of other places as this one knows them: a copy may have been deleted there since.</p>${table(['Component', 'Size here', 'Share'], shares)}`;
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
