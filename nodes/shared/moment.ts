import { DateTime } from 'luxon';
import { wrong } from './parameters';

/**
 * A moment from a date field or an expression, as ISO text in UTC: ISO text (without an offset it is read in `timeZone`),
 * a JavaScript date, or a luxon date.
 */
export function momentIn(value: unknown, timeZone: string, label: string): string {
	const moment = parse(value, timeZone);
	const text = moment?.isValid === true ? moment.toUTC().toISO() : null;
	if (text === null) throw wrong(label, 'is not a date and time', 'Use e.g. 2026-11-22T14:30:00.');
	return text;
}

function parse(value: unknown, timeZone: string): DateTime | undefined {
	if (value instanceof Date) return DateTime.fromJSDate(value);
	if (typeof value === 'string') return DateTime.fromISO(value.trim().replace(' ', 'T'), { zone: timeZone });
	// n8n's own luxon is another copy than ours, so `instanceof` would not know its dates.
	if (typeof value === 'object' && value !== null && 'toISO' in value && typeof value.toISO === 'function') {
		return DateTime.fromISO(String((value as { toISO(): unknown }).toISO()));
	}
	return undefined;
}
