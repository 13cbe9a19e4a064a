import type { State } from '../status/component-status';
import { Html, html } from './html';
import { FAILURES_NOTE, type MonthlyReport } from './monthly-report';
import { figure, subjectOf } from './monthly-text';
import { durationWords, sizeWords, timeWords } from '../core/words';

/** Mail programs drop most of what is in <style>: everything needed is inline; here is only what may be lost: the dark colours, and how it is printed. */
const OPTIONAL_STYLE = `
:root{color-scheme:light dark}
@media (prefers-color-scheme:dark){body,.page{background:#12151b!important}.card{background:#1b2029!important}body,.card,h1,h2,td,th,p{color:#e8ebf1!important}.soft{color:#a5afc0!important}td,th{border-color:#303846!important}.OK{background:#143524!important;color:#7ddca6!important}.WARNING{background:#3b2c0b!important;color:#ffcf73!important}.CRITICAL{background:#451a1e!important;color:#ff9aa0!important}.bar{background:#6ea0ff!important}}
@media print{body,.page{background:#fff!important}.card{width:100%!important;max-width:none!important}tr,h2{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}}
@page{margin:15mm}
`;

const FONT = 'font-family:Arial,Helvetica,sans-serif;';
const SOFT = 'color:#566074;';
const CELL = `${FONT}font-size:14px;line-height:20px;color:#1c2330;text-align:left;vertical-align:top;padding:6px 8px;border-top:1px solid #dde1e8;overflow-wrap:break-word;`;
const HEAD = `${FONT}font-size:13px;line-height:18px;${SOFT}text-align:left;vertical-align:bottom;padding:6px 8px;`;
const COLOURS: Readonly<Record<State, string>> = { OK: 'background:#dff3e7;color:#0b6b3a;', WARNING: 'background:#fff0cf;color:#7a4b00;', CRITICAL: 'background:#fde3e4;color:#a4141f;' };
const SIGNS: Readonly<Record<State, string>> = { OK: '\u2713', WARNING: '!', CRITICAL: '\u2715' };
const BAR_HEIGHT = 60;
const SHOWN_DAYS = 31;

/** The report as HTML that survives mail programs: tables, inline styles, no script, no picture, nothing loaded. */
export function renderMonthlyHtml(report: MonthlyReport): string {
	const { status, title, timeZone } = report;
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${subjectOf(report)}</title>
<style>${new Html(OPTIONAL_STYLE)}</style>
</head>
<body style="margin:0;padding:0;background:#f5f6f8;color:#1c2330;">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;background:#f5f6f8;"><tr><td align="center" style="padding:12px 8px;">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:760px;table-layout:fixed;background:#ffffff;"><tr><td style="padding:20px 16px;">
<h1 style="${FONT}font-size:22px;line-height:28px;color:#1c2330;margin:0 0 6px;">${title}</h1>
<p class="soft" style="${FONT}font-size:14px;line-height:20px;${SOFT}margin:0 0 10px;">${timeWords(report.from, timeZone)} to ${timeWords(status.checkedAt, timeZone)} (${timeZone}) \u00b7 ${status.store}</p>
<p style="margin:0;">${badge(status.state, `${status.state} now`)}</p>
${standing(report)}${goals(report)}${perDay(report)}${sizes(report)}${failed(report)}${drills(report)}${recoveries(report)}${days(report)}
</td></tr></table>
</td></tr></table>
</body>
</html>
`.text;
}

function badge(state: State, words: string): Html {
	return html`<span class="${state}" style="${FONT}${COLOURS[state]}font-size:14px;line-height:22px;font-weight:bold;padding:2px 8px;white-space:nowrap;">${SIGNS[state]} ${words}</span>`;
}

function section(heading: string, ...parts: Html[]): Html {
	return html`<h2 style="${FONT}font-size:17px;line-height:22px;color:#1c2330;margin:26px 0 8px;">${heading}</h2>${parts}`;
}

function note(text: string): Html {
	return html`<p class="soft" style="${FONT}font-size:13px;line-height:18px;${SOFT}margin:6px 0;">${text}</p>`;
}

/** The first cell of each row is its heading. */
function table(columns: readonly string[], rows: readonly (readonly (Html | string)[])[]): Html {
	const body = rows.map(([first, ...rest]) => html`<tr><th scope="row" style="${CELL}font-weight:bold;">${first ?? ''}</th>${rest.map((cell) => html`<td style="${CELL}">${cell}</td>`)}</tr>`);
	return html`<div class="scroll" tabindex="0" role="region" aria-label="${columns.join(', ')}" style="overflow-x:auto;max-width:100%;"><table width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse;"><thead><tr>${columns.map((column) => html`<th scope="col" class="soft" style="${HEAD}">${column}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function standing({ status, timeZone }: MonthlyReport): Html {
	const when = (iso: string | undefined) => (iso === undefined ? 'never' : timeWords(iso, timeZone));
	const rows = status.components.map(({ label, state, lastSuccess, lastRestored, reasons }) => [label, badge(state, state), when(lastSuccess?.startedAt), when(lastRestored?.at), reasons.join(' ') || '\u2013']);
	const hold = status.hold ? note(`Retention is on hold since ${when(status.hold.since)}: ${status.hold.reason} Nothing is pruned until a person lifts it.`) : html``;
	const overdue = status.overdue.map(({ name, nextBy }) => note(`Overdue since ${when(nextBy)}: ${name}`));
	return section('How it stands', hold, ...overdue, rows.length === 0 ? note('Nothing is backed up yet.') : table(['What', 'State', 'Newest', 'Restored as a test', 'Why'], rows));
}

function goals({ kpis }: MonthlyReport): Html {
	const rows = kpis.map(({ name, target, actual, before, reached }) => [
		name,
		target,
		html`<strong>${actual ?? 'not measured yet'}</strong>`,
		before ?? '\u2013',
		reached === null ? '\u2013' : badge(reached ? 'OK' : 'WARNING', reached ? 'reached' : 'missed'),
	]);
	return section('Goals', table(['Goal', 'Target', 'Actual', 'Before', 'State'], rows), ...kpis.map(({ name, explanation }) => note(`${name}: ${explanation}`)));
}

/** A column for each of the newest days: how many runs there were; a sign below tells how they ended. */
function perDay({ rows, status, timeZone }: MonthlyReport): Html {
	const format = new Intl.DateTimeFormat('en-CA', { timeZone });
	const now = Date.parse(status.checkedAt);
	const columns = Array.from({ length: SHOWN_DAYS - 1 }, (_, at) => format.format(new Date(now - (SHOWN_DAYS - 2 - at) * 86_400_000))).map((day) => {
		const some = rows.filter((row) => row.day === day);
		const sum = (of: 'backups' | 'successful' | 'failed') => some.reduce((total, row) => total + row[of], 0);
		return { day, runs: sum('backups'), successful: sum('successful'), failed: sum('failed') };
	});
	const most = Math.max(...columns.map(({ runs }) => runs));
	if (most === 0) return section('Runs a day', note('Nothing ran.'));
	const bars = columns.map(({ day, runs }) => html`<td title="${day}: ${runs} runs" style="vertical-align:bottom;padding:0 1px;"><div class="bar" style="height:${Math.round((runs / most) * BAR_HEIGHT)}px;background:#2f6fde;font-size:0;line-height:0;">&nbsp;</div></td>`);
	const signs = columns.map(({ failed: bad, successful: good }) => {
		const state: State | null = bad > 0 ? (good > 0 ? 'WARNING' : 'CRITICAL') : good > 0 ? 'OK' : null;
		return state === null ? html`<td></td>` : html`<td class="${state}" style="${FONT}${COLOURS[state]}font-size:10px;line-height:16px;text-align:center;">${SIGNS[state]}</td>`;
	});
	const failures = columns.filter((column) => column.failed > 0).map((column) => column.day);
	const words = `${columns[0]?.day ?? ''} to ${columns.at(-1)?.day ?? ''}, at most ${most} run${most === 1 ? '' : 's'} a day. ${SIGNS.OK} all succeeded, ${SIGNS.WARNING} some failed, ${SIGNS.CRITICAL} all failed, empty: none. Days with failures: ${failures.join(', ') || 'none'}.`;
	return section('Runs a day', html`<table role="img" aria-label="${words}" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;"><tr style="height:${BAR_HEIGHT}px;">${bars}</tr><tr>${signs}</tr></table>`, note(words));
}

function sizes({ status }: MonthlyReport): Html {
	const largest = Math.max(1, ...status.components.map(({ storedBytes }) => storedBytes));
	const rows = status.components.map(({ label, storedBytes, backups }) => {
		const width = storedBytes === 0 ? 0 : Math.max(1, Math.round((storedBytes / largest) * 100));
		return [label, `${sizeWords(storedBytes)}, ${backups} backups`, html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>${width === 0 ? null : html`<td class="bar" width="${width}%" style="background:#2f6fde;font-size:0;line-height:12px;height:12px;">&nbsp;</td>`}<td style="font-size:0;">&nbsp;</td></tr></table>`];
	});
	return rows.length === 0 ? html`` : section('Stored', table(['What', 'Size', 'To scale'], rows));
}

function failed({ failures, timeZone }: MonthlyReport): Html {
	const rows = failures.map(({ at, what, message, done, advice }) => [timeWords(at, timeZone), what, message, `${done}${advice === '' ? '' : ` ${advice}`}`]);
	return section('Failures and what was done', failures.length === 0 ? note('None is known.') : table(['When', 'What', 'Why', 'What was done'], rows), note(FAILURES_NOTE));
}

function drills({ drills: all, timeZone }: MonthlyReport): Html {
	const rows = all.map(({ at, component, backup, durationSeconds, passed }) => [timeWords(at, timeZone), component, backup, durationWords(durationSeconds), badge(passed ? 'OK' : 'CRITICAL', passed ? 'passed' : 'failed')]);
	return section('Restores as a test', all.length === 0 ? note('None. A backup that was never restored is a hope: run a restore drill.') : table(['When', 'Component', 'Backup', 'Took', 'Result'], rows));
}

function recoveries({ recoveries: all, timeZone }: MonthlyReport): Html {
	const rows = all.map(({ startedAt, name, state, seconds, explanation }) => [timeWords(startedAt, timeZone), name, badge(state === 'succeeded' ? 'OK' : state === 'running' ? 'WARNING' : 'CRITICAL', state), durationWords(seconds), explanation]);
	return section('Recoveries and drills by runbook', all.length === 0 ? note('None.') : table(['When', 'Runbook', 'Result', 'Took', 'How far'], rows));
}

function days({ rows }: MonthlyReport): Html {
	const cells = rows.map(({ day, component, backups, averageSizeMb, averageMinutes, successful, failed: bad }) => [day, component, String(backups), figure(averageSizeMb), figure(averageMinutes), String(successful), bad === 0 ? '0' : badge(successful > 0 ? 'WARNING' : 'CRITICAL', String(bad))]);
	return section('Day by day', rows.length === 0 ? note('Nothing ran.') : table(['Day', 'Component', 'Runs', 'Size, MB', 'Minutes', 'Successful', 'Failed'], cells));
}
