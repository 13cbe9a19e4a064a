import { durationWords, sizeWords } from '../core/words';
import type { State } from '../status/component-status';
import { shortDay } from './calendar';
import { type Html, html } from './html';
import { note, section, table } from './monthly-parts';
import type { MonthlyReport } from './monthly-report';
import type { MonthlyRow } from './monthly-rows';
import { COLOURS, FONT, SIGNS, SOFT } from './monthly-style';

const BAR_HEIGHT = 60;
const SMALL_HEIGHT = 26;

/** A column for each day: how many runs there were; a sign below tells how they ended, and below that is the date. */
export function runsChart({ rows, period }: MonthlyReport): Html {
	const columns = period.days.map((day) => {
		const some = rows.filter((row) => row.day === day);
		const sum = (of: 'backups' | 'successful' | 'failed') => some.reduce((total, row) => total + row[of], 0);
		return { day, runs: sum('backups'), successful: sum('successful'), failed: sum('failed') };
	});
	const most = Math.max(...columns.map(({ runs }) => runs));
	if (most === 0) return section('Runs a day', note('Nothing ran.'));
	const signs = columns.map(({ failed, successful }) => {
		const state: State | null = failed > 0 ? (successful > 0 ? 'WARNING' : 'CRITICAL') : successful > 0 ? 'OK' : null;
		return state === null ? html`<td></td>` : html`<td class="${state}" style="${COLOURS[state]}">${SIGNS[state]}</td>`;
	});
	const dates = columns.map(({ day }) => html`<td>${Number(day.slice(8)) % 2 === 1 ? Number(day.slice(8)) : ''}</td>`);
	const failures = columns.filter((column) => column.failed > 0).map(({ day }) => shortDay(day));
	const words = `${spanWords(period.days)}, at most ${most} run${most === 1 ? '' : 's'} a day. ${SIGNS.OK} all succeeded, ${SIGNS.WARNING} some failed, ${SIGNS.CRITICAL} all failed, empty: none. Days with failures: ${failures.join(', ') || 'none'}.`;
	return section(
		'Runs a day',
		html`<table class="c" role="img" aria-label="${words}" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;text-align:center;${FONT}font-size:10px;line-height:16px;"><tr height="${BAR_HEIGHT}">${bars(columns.map(({ runs }) => runs), BAR_HEIGHT)}</tr><tr>${signs}</tr><tr class="soft" style="${SOFT}">${dates}</tr></table>`,
		note(words),
	);
}

/** For each component its size and duration from day to day, to its own scale. */
export function trendCharts({ rows, period, status }: MonthlyReport): Html | null {
	const lines = status.components.flatMap(({ component, label }) => {
		const ofDay = new Map(rows.filter((row) => row.component === component).map((row) => [row.day, row]));
		const series = (value: (row: MonthlyRow) => number | null) => period.days.map((day) => { const row = ofDay.get(day); return row ? value(row) : null; });
		const sizes = series(({ averageSizeMb }) => (averageSizeMb === null ? null : averageSizeMb * 1e6));
		const times = series(({ averageMinutes }) => (averageMinutes === null ? null : averageMinutes * 60));
		return sizes.every((value) => value === null) ? [] : [[label, trend(`Size of ${label}`, sizes, sizeWords), trend(`Duration of ${label}`, times, durationWords)]];
	});
	return lines.length === 0 ? null : section('Size and duration over time', table(['What', 'Size of a run', 'Duration of a run'], lines), note(`Averages of each day, ${spanWords(period.days)}, each to its own scale; a gap is a day without a successful run.`));
}

function trend(name: string, values: readonly (number | null)[], words: (value: number) => string): Html {
	const known = values.filter((value) => value !== null);
	const [first, last] = [known[0], known.at(-1)];
	if (first === undefined || last === undefined) return html`\u2013`;
	const text = `${words(first)} \u2192 ${words(last)}, at most ${words(Math.max(...known))}`;
	return html`<table class="c" role="img" aria-label="${name}: ${text}" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;font-size:0;line-height:0;"><tr height="${SMALL_HEIGHT}">${bars(values, SMALL_HEIGHT)}</tr></table><span class="soft" style="${SOFT}font-size:12px;">${text}</span>`;
}

function bars(values: readonly (number | null)[], height: number): Html[] {
	const most = Math.max(...values.map((value) => value ?? 0));
	return values.map((value) => (value === null || value === 0 ? html`<td></td>` : html`<td valign="bottom"><div style="height:${Math.max(1, Math.round((value / most) * height))}px;background:#2f6fde"></div></td>`));
}

function spanWords(days: readonly string[]): string {
	return `${shortDay(days[0] ?? '')} to ${shortDay(days.at(-1) ?? '')}`;
}
