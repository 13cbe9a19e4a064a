import { FAILURES_NOTE, type MonthlyReport } from './monthly-report';
import { durationWords, sizeWords, timeWords } from '../core/words';

/** One line, whatever the title holds. */
export function subjectOf({ title, days, status, failures }: MonthlyReport): string {
	const open = failures.length === 0 ? 'no failures' : `${failures.length} failure${failures.length === 1 ? '' : 's'}`;
	return `${status.state}: ${title}, report of ${days} days, ${open}`.replace(/\s+/g, ' ').slice(0, 200);
}

/** The report as plain text: every figure of the HTML one. */
export function renderMonthlyText(report: MonthlyReport): string {
	const { status, kpis, failures, drills, recoveries, rows, timeZone } = report;
	const when = (iso: string) => timeWords(iso, timeZone);
	const sections: (readonly [heading: string, lines: string[]])[] = [
		[
			'How it stands',
			[
				...(status.hold ? [`Retention is on hold since ${when(status.hold.since)}: ${oneLine(status.hold.reason)}`] : []),
				...status.overdue.map(({ name, nextBy }) => `Overdue: ${oneLine(name)}, since ${when(nextBy)}`),
				...status.components.map(
					({ label, state, lastSuccess, lastRestored, backups, storedBytes, reasons }) =>
						`${label}: ${state}; newest ${lastSuccess ? when(lastSuccess.startedAt) : 'never'}; restored as a test ${lastRestored ? when(lastRestored.at) : 'never'}; ${backups} backups, ${sizeWords(storedBytes)}${reasons.map((reason) => `\n    ${oneLine(reason)}`).join('')}`,
				),
			],
		],
		['Goals', kpis.map(({ name, target, actual, before, reached }) => `${name}: ${actual ?? 'not measured yet'} (target ${target}; before: ${before ?? 'not measured'})${reached === null ? '' : reached ? ', reached' : ', MISSED'}`)],
		['Failures and what was done', [...failures.map(({ at, what, message, done, advice }) => `${when(at)}, ${oneLine(what)}: ${oneLine(message)}\n    ${done}${advice === '' ? '' : ` ${oneLine(advice)}`}`), ...(failures.length === 0 ? ['None is known.'] : []), FAILURES_NOTE]],
		['Restores as a test', drills.length === 0 ? ['None. A backup that was never restored is a hope: run a restore drill.'] : drills.map(({ at, component, backup, durationSeconds, passed }) => `${when(at)}, ${component}, ${backup}: ${passed ? 'passed' : 'FAILED'}, ${durationWords(durationSeconds)}`)],
		['Recoveries and drills by runbook', recoveries.length === 0 ? ['None.'] : recoveries.map(({ startedAt, name, state, seconds, explanation }) => `${when(startedAt)}, ${oneLine(name)}: ${state}, ${durationWords(seconds)}. ${oneLine(explanation)}`)],
		[
			'Day by day',
			rows.length === 0
				? ['Nothing ran.']
				: rows.map(({ day, component, backups, averageSizeMb, averageMinutes, successful, failed }) => `${day} ${component}: ${backups} runs, ${successful} successful, ${failed} failed, ${figure(averageSizeMb)} MB and ${figure(averageMinutes)} min on average`),
		],
	];
	const head = `${oneLine(report.title)}: ${status.state}\n${when(report.from)} to ${when(status.checkedAt)} (${timeZone}), ${status.store}`;
	return `${[head, ...sections.map(([heading, lines]) => `${heading.toUpperCase()}\n${lines.map((line) => `- ${line}`).join('\n')}`)].join('\n\n')}\n`;
}

/** With two digits behind the point, or a dash. */
export function figure(value: number | null): string {
	return value === null ? '\u2013' : value.toFixed(2);
}

/** A message cannot pretend to be a heading or a line of its own. */
function oneLine(text: string): string {
	return text.replace(/[\s\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
}
