import { dayOf, lastDays, monthBefore, monthSoFar, shortDay } from '../../../lib/report/calendar';

test('the report of the first of a month is of the whole month before, in its zone', () => {
	// 02:00 UTC of the first is still the 30th in São Paulo: there, November is not over.
	const early = monthBefore(new Date('2026-12-01T02:00:00Z'), 'America/Sao_Paulo');
	expect(early.words).toBe('October 2026');
	const month = monthBefore(new Date('2026-12-01T11:00:00Z'), 'America/Sao_Paulo');
	expect(month.words).toBe('November 2026');
	expect(new Date(month.from).toISOString()).toBe('2026-11-01T03:00:00.000Z');
	expect(new Date(month.to).toISOString()).toBe('2026-12-01T03:00:00.000Z');
	expect(new Date(month.before.from).toISOString()).toBe('2026-10-01T03:00:00.000Z');
	expect(month.before.to).toBe(month.from);
	expect([month.days.length, month.days[0], month.days.at(-1)]).toEqual([30, '2026-11-01', '2026-11-30']);
});

test.each([
	['2026-04-01T10:00:00Z', 31, '2026-03-31'],
	['2026-11-01T10:00:00Z', 31, '2026-10-31'],
	['2026-03-01T10:00:00Z', 28, '2026-02-28'],
	['2028-03-01T10:00:00Z', 29, '2028-02-29'],
	['2027-01-01T10:00:00Z', 31, '2026-12-31'],
])('every day of the month before %s is there once, also in a month with a change of the clock', (now, count, last) => {
	for (const zone of ['Europe/Berlin', 'America/New_York', 'UTC', 'Pacific/Kiritimati', 'America/Santiago']) {
		const { days } = monthBefore(new Date(now), zone);
		expect({ zone, count: new Set(days).size, length: days.length, last: days.at(-1) }).toEqual({ zone, count, length: count, last });
	}
});

test('the last days are calendar days, today among them, none twice or missing where a day has 23 or 25 hours', () => {
	for (const now of ['2026-03-30T00:30:00+02:00', '2026-10-26T00:30:00+01:00', '2026-10-25T23:30:00+01:00', '2026-03-29T01:30:00+01:00']) {
		const { days, from, to } = lastDays(new Date(now), 30, 'Europe/Berlin');
		expect(days).toHaveLength(30);
		expect(new Set(days).size).toBe(30);
		expect(days.at(-1)).toBe(dayOf(new Date(now).toISOString(), 'Europe/Berlin'));
		expect(to - from).toBe(30 * 86_400_000);
		for (const [at, day] of days.entries()) if (at > 0) expect(Date.parse(day) - Date.parse(days[at - 1] ?? '')).toBe(86_400_000);
	}
});

test('a month that goes on is told as such, and days are short', () => {
	const month = monthSoFar(new Date('2026-11-03T12:00:00Z'), 'UTC');
	expect(month).toMatchObject({ words: 'November 2026 so far', days: ['2026-11-01', '2026-11-02', '2026-11-03'] });
	expect(shortDay('2026-11-02')).toBe('2 Nov');
});
