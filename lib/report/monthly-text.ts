import { durationWords, sizeWords, timeWords } from '../core/words';
import { shownState } from './held-components';
import { localTimes } from './local-times';
import { capped, failuresNote, gravestFacts, type MonthlyReport } from './monthly-report';

/** One line, whatever the title holds. */
export function subjectOf({ title, period, status, failures }: MonthlyReport): string {
	const open = failures.length === 0 ? 'no failures' : `${failures.length} failure${failures.length === 1 ? '' : 's'}`;
	return `${status.state}: ${title}, report of ${period.words}, ${open}`.replace(/\s+/g, ' ').slice(0, 200);
}

/** The report as plain text: every figure of the HTML one. */
export function renderMonthlyText(report: MonthlyReport): string {
	const { status, kpis, failures, drills, recoveries, rows, timeZone, period } = report;
	const when = (iso: string) => timeWords(iso, timeZone);
	const local = (text: string) => oneLine(localTimes(text, timeZone));
	const note = failuresNote(report);
	const sections: (readonly [heading: string, lines: string[]])[] = [
		['What matters most', linesOf(gravestFacts(report), ({ state, what, detail }) => `${state}: ${oneLine(what)}. ${oneLine(detail)}`, 'All is well: everything is backed up in time, nothing that failed is open, and no goal was missed.')],
		[
			'How it stands now',
			status.components.map(
				(component) =>
					`${component.label}: ${shownState(component, status.hold)}; newest ${component.lastSuccess ? when(component.lastSuccess.startedAt) : 'never'}; restored as a test ${component.lastRestored ? when(component.lastRestored.at) : 'never'}; ${component.backups} backups, ${sizeWords(component.storedBytes)}${component.reasons.map((reason) => `\n    ${local(reason)}`).join('')}`,
			),
		],
		['Goals', kpis.map(({ name, target, actual, before, trend, reached }) => `${name}: ${actual ?? 'not measured yet'} (target ${target}; before: ${before ?? 'not known'}${trend === null ? '' : `, ${trend}`})${reached === null ? '' : reached ? ', reached' : ', MISSED'}`)],
		['Failures and what was done', [...linesOf(failures, ({ at, what, message, done, advice }) => `${when(at)}, ${oneLine(what)}: ${local(message)}\n    ${local(done)}${advice === '' ? '' : ` ${local(advice)}`}`, 'None is known.'), ...(note === null ? [] : [note])]],
		[
			'Day by day',
			rows.length === 0
				? ['Nothing ran.']
				: rows.map(({ day, component, backups, averageSizeMb, averageMinutes, successful, failed }) => `${day} ${component}: ${backups} runs, ${successful} successful, ${failed} failed, ${figure(averageSizeMb)} MB and ${figure(averageMinutes)} min on average`),
		],
		['Restores as a test', linesOf(drills, ({ at, component, backup, durationSeconds, passed }) => `${when(at)}, ${component}, ${backup}: ${passed ? 'passed' : 'FAILED'}, ${durationWords(durationSeconds)}`, 'None. A backup that was never restored is a hope: run a restore drill.')],
		['Recoveries and drills by runbook', linesOf(recoveries, ({ startedAt, name, state, seconds, explanation }) => `${when(startedAt)}, ${oneLine(name)}: ${state}, ${durationWords(seconds)}. ${local(explanation)}`, 'None.')],
		['How the goals are computed', kpis.map(({ name, explanation }) => `${name}: ${explanation}`)],
	];
	const head = `${oneLine(report.title)}: ${status.state}\nReport of ${period.words}, made ${when(status.checkedAt)} (${timeZone}), ${status.store}`;
	return `${[head, ...sections.map(([heading, lines]) => `${heading.toUpperCase()}\n${lines.map((line) => `- ${line}`).join('\n')}`)].join('\n\n')}\n`;
}

/** A line for each of the first of them, and how many more there are. */
function linesOf<T>(items: readonly T[], line: (item: T) => string, none: string): string[] {
	const { shown, more } = capped(items);
	return items.length === 0 ? [none] : [...shown.map(line), ...(more === null ? [] : [more])];
}

/** With two digits behind the point, or a dash. */
export function figure(value: number | null): string {
	return value === null ? '\u2013' : value.toFixed(2);
}

/** A message cannot pretend to be a heading or a line of its own. */
function oneLine(text: string): string {
	return text.replace(/[\s\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
}
