import type { BackupSummary } from '../catalog/summary';
import type { ComponentStatus, State } from '../status/component-status';
import type { StatusResult } from '../status/read-status';
import type { RecoverySummary } from '../catalog/recovery-summary';
import { COUNTED_KINDS } from '../status/thresholds';
import { badge, scrolling, SIGNS, WORDS } from './dashboard-parts';
import { overdueNotice, recoverySection, runningSection, storageSection, windowSection } from './dashboard-sections';
import { DASHBOARD_STYLE } from './dashboard-style';
import type { RtoForecast } from './forecast-rto';
import { Html, html } from './html';
import type { Drill, Kpi } from './kpis';
import { durationWords, sizeWords, timeWords } from '../core/words';

/** A run that failed, as the store remembers it: the newest of each series only. */
export interface FailedRun {
	readonly component: string;
	readonly source: string;
	readonly at: string;
	readonly message: string;
}

export interface DashboardInput {
	readonly status: StatusResult;
	/** All of the store. */
	readonly backups: readonly BackupSummary[];
	readonly failures: readonly FailedRun[];
	readonly drills: readonly Drill[];
	readonly kpis: readonly Kpi[];
	/** By runbook, newest first. */
	readonly recoveries: readonly RecoverySummary[];
	readonly forecast: RtoForecast;
	readonly title: string;
	/** IANA name; days begin in it, and times are shown in it. */
	readonly timeZone: string;
	/** What the page says of when it is renewed: whoever serves it sends this as the header `Refresh`, which a reader can switch off. 0: it is not. */
	readonly refreshSeconds: number;
}

const DAYS = 30;
const DAY_MS = 86_400_000;

/** One page that needs nothing else: no script, no picture, no font from anywhere. */
export function renderDashboard(input: DashboardInput): string {
	const { status, title, timeZone, refreshSeconds } = input;
	const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${WORDS[status.state]} \u00b7 ${title}</title>
<style>${new Html(DASHBOARD_STYLE)}</style>
</head>
<body>
<main>
<header><div><h1>${title}</h1><p class="soft small">As of ${timeWords(status.checkedAt, timeZone)} (${timeZone})${refreshSeconds > 0 ? html`, renewed every ${durationWords(refreshSeconds)} (<a href="?renew=off">stop</a>)` : html` (<a href="?">renew by itself</a>)`} \u00b7 ${status.store}</p></div>${badge(status.state)}</header>
${status.hold ? html`<div class="notice WARNING" role="status"><strong>Retention is on hold</strong> since ${timeWords(status.hold.since, timeZone)}: ${status.hold.reason} Nothing is pruned until a person lifts it.</div>` : null}
${overdueNotice(status, timeZone)}
${runningSection(status)}
<h2>Components</h2>
${status.components.length === 0 ? html`<p>Nothing is backed up yet.</p>` : html`<div class="cards">${status.components.map((component) => card(component, timeZone))}</div>`}
${windowSection(status, timeZone)}
<h2>Last ${DAYS} days</h2>
${timeline(input)}
<h2>Goals</h2>
${goals(input.kpis)}
<h2>Restores as a test</h2>
${drills(input)}
${recoverySection(input.recoveries, input.forecast, timeZone)}
<h2>Failures</h2>
${failures(input)}
${storageSection(status, input.backups, timeZone)}
</main>
</body>
</html>
`;
	return page.text;
}

function card(component: ComponentStatus, timeZone: string): Html {
	const { lastSuccess, lastVerified, lastRestored, nextExpectedBy, ageHours, sizeTrend } = component;
	const when = (iso: string | undefined) => (iso === undefined ? 'never' : timeWords(iso, timeZone));
	const trend = sizeTrend === null || Math.abs(sizeTrend - 1) < 0.01 ? '' : ` (${sizeTrend > 1 ? '+' : '\u2212'}${Math.abs((sizeTrend - 1) * 100).toFixed(0)} % of usual)`;
	return html`<section class="card" aria-label="${component.label}"><header><h3>${component.label}</h3>${badge(component.state)}</header>
<dl><dt>Newest</dt><dd>${when(lastSuccess?.startedAt)}${ageHours === null ? '' : `, ${durationWords(ageHours * 3600)} ago`}</dd>
<dt>Next expected by</dt><dd>${nextExpectedBy === null ? 'now' : timeWords(nextExpectedBy, timeZone)}</dd>
<dt>Verified</dt><dd>${when(lastVerified?.at)}${lastVerified ? ` (${lastVerified.level})` : ''}</dd>
<dt>Restored</dt><dd>${when(lastRestored?.at)}</dd>
<dt>Size</dt><dd>${lastSuccess ? `${sizeWords(lastSuccess.storedBytes)}${trend}` : '\u2013'}</dd>
<dt>Copies</dt><dd>${lastSuccess ? (lastSuccess.copies.length === 0 ? 'none known' : lastSuccess.copies.map(({ store }) => store).join('; ')) : '\u2013'}</dd>
<dt>Backups</dt><dd>${component.backups}, ${sizeWords(component.storedBytes)}</dd></dl>
${component.reasons.length === 0 ? null : html`<ul>${component.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}</section>`;
}

/** Per component and day: whether there was a usable backup, only a damaged one, or a failure. */
function timeline({ status, backups, failures: failed, timeZone }: DashboardInput): Html {
	const dayOf = (iso: string) => new Intl.DateTimeFormat('en-CA', { timeZone }).format(new Date(iso));
	const now = Date.parse(status.checkedAt);
	const days = Array.from({ length: DAYS }, (_, at) => dayOf(new Date(now - (DAYS - 1 - at) * DAY_MS).toISOString()));
	const rows = status.components.map(({ component, label }) => {
		const counts = new Map(days.map((day) => [day, { good: 0, bad: 0 }]));
		for (const backup of backups) {
			if (backup.component !== component || !COUNTED_KINDS.includes(backup.kind)) continue;
			const count = counts.get(dayOf(backup.startedAt));
			if (count) count[backup.status === 'success' ? 'good' : 'bad'] += 1;
		}
		for (const failure of failed) {
			const count = failure.component === component ? counts.get(dayOf(failure.at)) : undefined;
			if (count) count.bad += 1;
		}
		const cells = days.map((day) => {
			const { good, bad } = counts.get(day) ?? { good: 0, bad: 0 };
			const state: State | 'NONE' = bad > 0 ? (good > 0 ? 'WARNING' : 'CRITICAL') : good > 0 ? 'OK' : 'NONE';
			const words = `${day}: ${good} usable backup${good === 1 ? '' : 's'}${bad > 0 ? `, ${bad} failed or damaged` : ''}`;
			return html`<span class="day ${state}" role="img" aria-label="${words}" title="${words}">${state === 'NONE' ? '' : SIGNS[state]}</span>`;
		});
		return html`<div><div class="small">${label}</div><div class="days">${cells}</div></div>`;
	});
	return html`<div class="timeline">${rows}<p class="soft small">${days[0] ?? ''} to ${days.at(-1) ?? ''}. ${SIGNS.OK} a usable backup, ${SIGNS.WARNING} one and a failure, ${SIGNS.CRITICAL} only failures or damaged ones, empty: none. Of failures, the store remembers the newest of each series.</p></div>`;
}

function goals(kpis: readonly Kpi[]): Html {
	const rows = kpis.map(
		({ name, target, actual, before, trend, reached, explanation }) =>
			html`<tr><th scope="row">${name}<details class="small soft"><summary>How it is computed</summary>${explanation}</details></th><td>${target}</td><td>${actual ?? 'not measured yet'}</td><td>${before ?? '\u2013'}${trend === null ? null : html`<br><span class="small soft">${trend}</span>`}</td><td>${reached === null ? badge('NONE') : badge(reached ? 'OK' : 'WARNING')}</td></tr>`,
	);
	return scrolling(['Goal', 'Target', 'Actual', 'The 30 days before', 'State'], rows);
}

function drills({ drills: all, timeZone }: DashboardInput): Html {
	if (all.length === 0) return html`<p>No backup was ever restored as a test. A backup that was never restored is a hope: run a restore drill.</p>`;
	const rows = [...all]
		.sort((a, b) => (a.at < b.at ? 1 : -1))
		.slice(0, 8)
		.map(({ component, backup, at, durationSeconds, passed }) => html`<tr><td>${timeWords(at, timeZone)}</td><td>${component}</td><td>${backup}</td><td>${durationWords(durationSeconds)}</td><td>${badge(passed ? 'OK' : 'CRITICAL')}</td></tr>`);
	return scrolling(['When', 'Component', 'Backup', 'Took', 'Result'], rows);
}

function failures({ failures: all, timeZone }: DashboardInput): Html {
	if (all.length === 0) return html`<p>The newest run of everything succeeded.</p>`;
	const rows = all.map(({ component, source, at, message }) => html`<tr><td>${timeWords(at, timeZone)}</td><td>${component}: ${source}</td><td>${message}</td></tr>`);
	return scrolling(['When', 'What', 'Why'], rows);
}
