import { DateTime } from 'luxon';

/** One of the rules of n8n's Schedule Trigger. */
interface Interval {
	readonly field?: unknown;
	readonly [name: string]: unknown;
}

/** As cron counts them: Sunday is 0, January 1. */
interface Times {
	readonly minutes: ReadonlySet<number>;
	readonly hours: ReadonlySet<number>;
	readonly daysOfMonth: ReadonlySet<number>;
	readonly months: ReadonlySet<number>;
	readonly weekdays: ReadonlySet<number>;
	/** Days to let pass first: of "every three days" two. */
	readonly skipDays: number;
}

/** A rule for the 29th of February alone waits up to eight years. */
const FARTHEST_DAYS = 8 * 366;

/**
 * When a Schedule Trigger starts its workflow next, to the minute.
 * @param rules its parameter `rule`, as an object or as JSON
 * @param timeZone IANA name of the workflow's zone
 * @returns undefined where the rules cannot be read or never come
 */
export function nextStart(rules: unknown, now: Date, timeZone: string): Date | undefined {
	const starts = intervalsOf(rules).flatMap((interval) => {
		const times = timesOf(interval);
		const start = times && firstAfter(times, DateTime.fromJSDate(now, { zone: timeZone }));
		return start ? [start] : [];
	});
	return starts.sort((a, b) => a.getTime() - b.getTime())[0];
}

function intervalsOf(rules: unknown): Interval[] {
	const value = typeof rules === 'string' ? parseJson(rules) : rules;
	const intervals = (value as { interval?: unknown } | null | undefined)?.interval;
	return Array.isArray(intervals) ? intervals.filter((each): each is Interval => typeof each === 'object' && each !== null) : [];
}

function firstAfter(times: Times, now: DateTime): Date | undefined {
	for (let day = times.skipDays; day <= FARTHEST_DAYS; day += 1) {
		const { year, month, day: dayOfMonth, weekday } = now.plus({ days: day });
		if (!times.months.has(month) || !isDay(times, dayOfMonth, weekday % 7)) continue;
		for (const hour of ascending(times.hours)) {
			for (const minute of ascending(times.minutes)) {
				const start = DateTime.fromObject({ year, month, day: dayOfMonth, hour, minute }, { zone: now.zone });
				if (start > now) return start.toJSDate();
			}
		}
	}
	return undefined;
}

/** Where cron is given days of the month and of the week, either will do. */
function isDay({ daysOfMonth, weekdays }: Times, dayOfMonth: number, weekday: number): boolean {
	if (daysOfMonth.size < 31 && weekdays.size < 7) return daysOfMonth.has(dayOfMonth) || weekdays.has(weekday);
	return daysOfMonth.has(dayOfMonth) && weekdays.has(weekday);
}

/** The same that n8n makes of a rule. */
function timesOf(interval: Interval): Times | undefined {
	const number = (name: string, standard: number): number => (typeof interval[name] === 'number' ? interval[name] : standard);
	const at = `${number('triggerAtMinute', 0)} ${number('triggerAtHour', 0)}`;
	switch (interval.field ?? 'days') {
		case 'minutes':
			return cron(`*/${number('minutesInterval', 5)} * * * *`);
		case 'hours':
			return cron(`${number('triggerAtMinute', 0)} */${number('hoursInterval', 1)} * * *`);
		case 'days':
			return cron(`${at} * * *`, number('daysInterval', 1) - 1);
		case 'weeks':
			return cron(`${at} * * ${Array.isArray(interval.triggerAtDay) && interval.triggerAtDay.length > 0 ? interval.triggerAtDay.join(',') : 0}`, 7 * (number('weeksInterval', 1) - 1));
		case 'months':
			return cron(`${at} ${number('triggerAtDayOfMonth', 1)} */${number('monthsInterval', 1)} *`);
		case 'cronExpression':
			return typeof interval.expression === 'string' ? cron(interval.expression) : undefined;
		default:
			return undefined;
	}
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function cron(expression: string, skipDays = 0): Times | undefined {
	const fields = expression.trim().split(/\s+/);
	// n8n's may begin with seconds.
	const [minute, hour, dayOfMonth, month, weekday, ...others] = fields.length === 6 ? fields.slice(1) : fields;
	const minutes = valuesOf(minute, 0, 59);
	const hours = valuesOf(hour, 0, 23);
	const daysOfMonth = valuesOf(dayOfMonth, 1, 31);
	const months = valuesOf(named(month, MONTHS, 1), 1, 12);
	const weekdays = valuesOf(named(weekday, WEEKDAYS, 0), 0, 7);
	if (!minutes || !hours || !daysOfMonth || !months || !weekdays || others.length > 0) return undefined;
	return { minutes, hours, daysOfMonth, months, weekdays: new Set([...weekdays].map((day) => day % 7)), skipDays };
}

function named(field: string | undefined, names: readonly string[], first: number): string | undefined {
	return field?.toLowerCase().replace(/[a-z]{3}/g, (name) => (names.includes(name) ? String(names.indexOf(name) + first) : name));
}

/** The values of one field: a list of `*`, numbers and ranges, each with a step or without. */
function valuesOf(field: string | undefined, least: number, most: number): Set<number> | undefined {
	const values = new Set<number>();
	for (const part of field?.split(',') ?? ['']) {
		const found = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
		if (!found) return undefined;
		const [, from, to, step] = found.map((text) => (text === undefined ? undefined : Number(text)));
		const first = from ?? least;
		const last = to ?? (from === undefined || step !== undefined ? most : from);
		if (first < least || last > most || step === 0) return undefined;
		for (let value = first; value <= last; value += step ?? 1) values.add(value);
	}
	return values;
}

function ascending(values: ReadonlySet<number>): number[] {
	return [...values].sort((a, b) => a - b);
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
