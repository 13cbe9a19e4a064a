import type { RecoverySummary } from '../catalog/recovery-summary';
import type { BackupSummary } from '../catalog/summary';
import { durationWords, timeWords } from '../core/words';
import type { StatusResult } from '../status/read-status';
import type { Period } from './calendar';
import { componentCard } from './dashboard-card';
import { badge, WORDS } from './dashboard-parts';
import { drillsSection, failuresSection, goalsSection, holdNotice, overdueNotice, recoverySection, runningSection, storageSection, windowSection } from './dashboard-sections';
import { DASHBOARD_STYLE } from './dashboard-style';
import { timeline } from './dashboard-timeline';
import type { ReportedFailure } from './find-failures';
import type { RtoForecast } from './forecast-rto';
import { Html, html } from './html';
import type { Drill, Kpi } from './kpis';
import type { Past } from './past';

export interface DashboardInput {
	readonly status: StatusResult;
	/** All of the store. */
	readonly backups: readonly BackupSummary[];
	/** What ran, also of what is pruned since. */
	readonly past: Past;
	/** What the timeline, the goals and the failures are of. */
	readonly period: Period;
	/** Those that are open first. */
	readonly failures: readonly ReportedFailure[];
	readonly drills: readonly Drill[];
	readonly kpis: readonly Kpi[];
	/** By runbook, newest first. */
	readonly recoveries: readonly RecoverySummary[];
	readonly forecast: RtoForecast;
	/** Archived WAL in the store. */
	readonly walBytes: number;
	readonly title: string;
	/** IANA name; days begin in it, and times are shown in it. */
	readonly timeZone: string;
	/** What the page says of when it is renewed: whoever serves it sends this as the header `Refresh`, which a reader can switch off. 0: it is not. */
	readonly refreshSeconds: number;
}

/** One page that needs nothing else: no script, no picture, no font from anywhere. */
export function renderDashboard(input: DashboardInput): string {
	const { status, title, timeZone, refreshSeconds, period, past } = input;
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
${overdueNotice(status, timeZone)}
${holdNotice(status, timeZone)}
${runningSection(status)}
<h2>Components</h2>
${status.components.length === 0 ? html`<p>Nothing is backed up yet.</p>` : html`<div class="cards">${status.components.map((component) => componentCard(component, status, timeZone))}</div>`}
${windowSection(status, timeZone)}
<h2>Last ${period.days.length} days</h2>
${timeline(status.components, past, period, timeZone)}
${goalsSection(input.kpis)}
${failuresSection(input.failures, past.rows.length > 0, timeZone)}
${drillsSection(input.drills, timeZone)}
${recoverySection(input.recoveries, input.forecast, timeZone)}
${storageSection(status, input.backups, input.walBytes, timeZone)}
</main>
</body>
</html>
`;
	return page.text;
}
