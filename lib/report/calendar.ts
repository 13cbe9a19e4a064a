import { DateTime } from 'luxon';

/** From `from` up to, not including, `to`; milliseconds since 1970. */
export interface Span {
	readonly from: number;
	readonly to: number;
}

/** Whole days of a zone that a page or a report is about, and as long a time before them. */
export interface Period extends Span {
	readonly before: Span;
	/** `YYYY-MM-DD`, oldest first: also where a day of the zone has 23 hours, or 25. */
	readonly days: readonly string[];
	/** As in "in …": `November 2026`, `the last 30 days`. */
	readonly words: string;
}

/** `YYYY-MM-DD` in the zone. */
export function dayOf(iso: string, timeZone: string): string {
	return DateTime.fromISO(iso, { zone: timeZone }).toFormat('yyyy-MM-dd');
}

/** `22 Nov` of a `YYYY-MM-DD`. */
export function shortDay(day: string): string {
	return DateTime.fromISO(day, { zone: 'UTC' }).setLocale('en-GB').toFormat('d LLL');
}

/** The calendar month before the one in which `now` lies in the zone. */
export function monthBefore(now: Date, timeZone: string): Period {
	const to = DateTime.fromJSDate(now, { zone: timeZone }).startOf('month');
	return monthFrom(to.minus({ months: 1 }), to, '');
}

/** The calendar month in which `now` lies in the zone, up to now. */
export function monthSoFar(now: Date, timeZone: string): Period {
	const to = DateTime.fromJSDate(now, { zone: timeZone });
	return monthFrom(to.startOf('month'), to, ' so far');
}

function monthFrom(from: DateTime, to: DateTime, words: string): Period {
	const before = { from: from.minus({ months: 1 }).toMillis(), to: from.toMillis() };
	return { from: from.toMillis(), to: to.toMillis(), before, days: daysFrom(from, to), words: `${from.setLocale('en-GB').toFormat('LLLL yyyy')}${words}` };
}

/** The last `count` times 24 hours up to now; its days are the last `count` of the calendar, today among them. */
export function lastDays(now: Date, count: number, timeZone: string): Period {
	const to = DateTime.fromJSDate(now, { zone: timeZone });
	const from = now.getTime() - count * DAY_MS;
	const first = to.startOf('day').minus({ days: count - 1 });
	return { from, to: now.getTime(), before: { from: from - count * DAY_MS, to: from }, days: daysFrom(first, to), words: count === 1 ? 'the last day' : `the last ${count} days` };
}

const DAY_MS = 86_400_000;

function daysFrom(first: DateTime, end: DateTime): string[] {
	const days: string[] = [];
	for (let day = first.startOf('day'); day < end; day = day.plus({ days: 1 })) days.push(day.toFormat('yyyy-MM-dd'));
	return days;
}
