import { durationWords, sizeWords, timeWords } from '../core/words';
import { shortDay } from './calendar';
import { heldComponents, shownState } from './held-components';
import { Html, html } from './html';
import { localTimes } from './local-times';
import { runsChart, trendCharts } from './monthly-charts';
import { badge, frame, moreNote, note, row, section, table, whole } from './monthly-parts';
import { capped, failuresNote, gravestFacts, type MonthlyReport } from './monthly-report';
import type { MonthlyRow } from './monthly-rows';
import { COLOURS, FONT, MONTHLY_STYLE, SIGNS, SOFT } from './monthly-style';
import { figure, subjectOf } from './monthly-text';

/** The report as HTML that survives mail programs: tables, no script, no picture, nothing loaded, what is needed inline. */
export function renderMonthlyHtml(report: MonthlyReport): string {
	const { status, title, timeZone, period } = report;
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${subjectOf(report)}</title>
<style>${new Html(MONTHLY_STYLE)}</style>
</head>
<body style="margin:0;padding:0;background:#f5f6f8;color:#1c2330;">
<div role="main"><table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;background:#f5f6f8;color:#1c2330;"><tr><td align="center" style="padding:12px 8px;">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:820px;table-layout:fixed;background:#ffffff;text-align:left;"><tr><td style="padding:20px 24px;">
<h1 style="${FONT}font-size:22px;line-height:28px;margin:0 0 6px;">${title}</h1>
<p class="soft" style="${FONT}font-size:14px;line-height:20px;${SOFT}margin:0 0 10px;">Report of ${period.words} \u00b7 made ${timeWords(status.checkedAt, timeZone)} (${timeZone}) \u00b7 ${status.store}</p>
<p style="margin:0 0 14px;">${badge(status.state, `${status.state} now`)}</p>
${gravest(report)}${standing(report)}${goals(report)}${failed(report)}${runsChart(report)}${days(report)}${trendCharts(report)}${stored(report)}${drills(report)}${recoveries(report)}${computed(report)}
</td></tr></table>
</td></tr></table></div>
</body>
</html>
`.text;
}

/** What a reader has to know who reads no further. */
function gravest(report: MonthlyReport): Html {
	const facts = gravestFacts(report);
	const box = (state: 'OK' | 'WARNING' | 'CRITICAL', what: string, detail: string) =>
		html`<tr><td class="${state}" style="${COLOURS[state]}${FONT}font-size:15px;line-height:21px;padding:10px 14px;border-left:6px solid;overflow-wrap:break-word;"><strong>${SIGNS[state]} ${what}</strong>${detail === '' ? null : html`<br><span style="font-size:14px;">${detail}</span>`}</td></tr><tr><td style="font-size:0;line-height:0;height:6px;">&nbsp;</td></tr>`;
	const { shown, more } = capped(facts);
	const rows = facts.length === 0 ? [box('OK', 'All is well', 'Everything is backed up in time, nothing that failed is open, and no goal was missed.')] : shown.map(({ state, what, detail }) => box(state, what, detail));
	return html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;">${rows}</table>${moreNote(more) ?? html``}`;
}

const STANDING = ['What', 'State', 'Newest', 'Restored as a test'] as const;

/** Under each component, over the whole width, why it is not well. */
function standing({ status, timeZone }: MonthlyReport): Html {
	const when = (iso: string | undefined) => (iso === undefined ? 'never' : timeWords(iso, timeZone));
	const rows = status.components.flatMap((component) => {
		const { label, lastSuccess, lastRestored, reasons } = component;
		const state = shownState(component, status.hold);
		const held = heldComponents(status.hold).includes(component.component) ? ['Retention is on hold because of its backups.'] : [];
		const why = [...reasons, ...held].map((reason) => html`<br>\u2022 ${localTimes(reason, timeZone)}`);
		return [row(STANDING, [label, badge(state, state), whole(when(lastSuccess?.startedAt)), whole(when(lastRestored?.at))]), ...(why.length === 0 ? [] : [html`<tr class="w"><td colspan="${STANDING.length}"><strong>Why:</strong>${why}</td></tr>`])];
	});
	return section('How it stands now', rows.length === 0 ? note('Nothing is backed up yet.') : frame('t s', STANDING, html`${rows}`));
}

function goals({ kpis }: MonthlyReport): Html {
	const rows = kpis.map(({ name, target, actual, before, trend, reached }) => [
		name,
		whole(target),
		html`<strong>${actual ?? 'not measured yet'}</strong>`,
		html`${before ?? 'not known'}${trend === null ? null : html`, <span class="soft" style="${SOFT}">${trend}</span>`}`,
		reached === null ? '\u2013' : badge(reached ? 'OK' : 'WARNING', reached ? 'reached' : 'missed'),
	]);
	return section('Goals', table(['Goal', 'Target', 'Actual', 'Before', 'State'], rows));
}

function failed(report: MonthlyReport): Html {
	const { failures, timeZone } = report;
	const { shown, more } = capped(failures);
	const rows = shown.map(({ at, what, message, open, done, advice }) => [whole(timeWords(at, timeZone)), what, localTimes(message, timeZone), html`${open ? badge('CRITICAL', 'open') : badge('OK', 'mended')} ${localTimes(`${open ? '' : done} ${advice}`.trim(), timeZone)}`]);
	const words = failuresNote(report);
	return section('Failures and what was done', failures.length === 0 ? note('None is known.') : table(['When', 'What', 'Why', 'What was done'], rows), moreNote(more), words === null ? null : note(words));
}

/** The guide's table: a row for each day and component. */
function days({ rows }: MonthlyReport): Html {
	if (rows.length === 0) return section('Day by day', note('Nothing ran.'));
	const groups = new Map<string, MonthlyRow[]>();
	for (const row of rows) groups.set(row.day, [...(groups.get(row.day) ?? []), row]);
	const body = [...groups].flatMap(([day, some]) =>
		some.map(({ component, backups, averageSizeMb, averageMinutes, successful, failed: bad }, at) => {
			const heading = at === 0 ? html`<th scope="rowgroup" rowspan="${some.length}">${shortDay(day)}</th>` : null;
			const lost = bad === 0 ? html`0` : badge(successful > 0 ? 'WARNING' : 'CRITICAL', String(bad));
			return html`<tr${at === 0 ? html` class="d"` : null}>${heading}<td>${component}</td><td>${backups}</td><td>${figure(averageSizeMb)}</td><td>${figure(averageMinutes)}</td><td>${successful}</td><td>${lost}</td></tr>`;
		}),
	);
	return section('Day by day', frame('t n', ['Day', 'Component', 'Runs', 'MB', 'Minutes', 'Success', 'Failed'], html`${body}`));
}

function stored({ status }: MonthlyReport): Html | null {
	const largest = Math.max(1, ...status.components.map(({ storedBytes }) => storedBytes));
	const rows = status.components.map(({ label, storedBytes, backups }) => {
		const width = storedBytes === 0 ? 0 : Math.max(1, Math.round((storedBytes / largest) * 100));
		return [label, `${sizeWords(storedBytes)}, ${backups} backup${backups === 1 ? '' : 's'}`, html`<table class="c" role="presentation" width="100%" cellpadding="0" cellspacing="0" style="min-width:240px;"><tr>${width === 0 ? null : html`<td width="${width}%"><div style="height:12px;background:#2f6fde"></div></td>`}<td></td></tr></table>`];
	});
	return rows.length === 0 ? null : section('Stored', table(['What', 'Size', 'To scale'], rows));
}

function drills({ drills: all, timeZone }: MonthlyReport): Html {
	const { shown, more } = capped(all);
	const rows = shown.map(({ at, component, backup, durationSeconds, passed }) => [whole(timeWords(at, timeZone)), component, backup, durationWords(durationSeconds), badge(passed ? 'OK' : 'CRITICAL', passed ? 'passed' : 'failed')]);
	return section('Restores as a test', all.length === 0 ? note('None. A backup that was never restored is a hope: run a restore drill.') : table(['When', 'Component', 'Backup', 'Took', 'Result'], rows), moreNote(more));
}

function recoveries({ recoveries: all, timeZone }: MonthlyReport): Html {
	const { shown, more } = capped(all);
	const rows = shown.map(({ startedAt, name, state, seconds, explanation }) => [whole(timeWords(startedAt, timeZone)), name, badge(state === 'succeeded' ? 'OK' : state === 'running' ? 'WARNING' : 'CRITICAL', state), durationWords(seconds), localTimes(explanation, timeZone)]);
	return section('Recoveries and drills by runbook', all.length === 0 ? note('None.') : table(['When', 'Runbook', 'Result', 'Took', 'How far'], rows), moreNote(more));
}

function computed({ kpis }: MonthlyReport): Html {
	return section('How the goals are computed', ...kpis.map(({ name, explanation }) => note(`${name}: ${explanation}`)));
}
