import { nextStart } from '../../nodes/BackupCatalog/next-start';

// A Wednesday; in São Paulo 09:00.
const NOW = new Date('2026-12-02T12:00:00.000Z');
const ZONE = 'America/Sao_Paulo';
const next = (interval: object, now = NOW, zone = ZONE) => nextStart({ interval: [interval] }, now, zone)?.toISOString();

test.each([
	['each day at 03:00', { field: 'days', daysInterval: 1, triggerAtHour: 3, triggerAtMinute: 0 }, '2026-12-03T06:00:00.000Z'],
	['each day at 07:40, with no field named', { triggerAtHour: 7, triggerAtMinute: 40 }, '2026-12-03T10:40:00.000Z'],
	['each day, later today', { field: 'days', triggerAtHour: 9, triggerAtMinute: 1 }, '2026-12-02T12:01:00.000Z'],
	['every third day', { field: 'days', daysInterval: 3, triggerAtHour: 3 }, '2026-12-04T06:00:00.000Z'],
	['every six hours at half past', { field: 'hours', hoursInterval: 6, triggerAtMinute: 30 }, '2026-12-02T15:30:00.000Z'],
	['each hour', { field: 'hours', triggerAtMinute: 20 }, '2026-12-02T12:20:00.000Z'],
	['Sundays at 02:00', { field: 'weeks', weeksInterval: 1, triggerAtDay: [0], triggerAtHour: 2, triggerAtMinute: 0 }, '2026-12-06T05:00:00.000Z'],
	['Saturdays and Wednesdays', { field: 'weeks', triggerAtDay: [6, 3], triggerAtHour: 4 }, '2026-12-05T07:00:00.000Z'],
	['the first of the month', { field: 'months', monthsInterval: 1, triggerAtDayOfMonth: 1, triggerAtHour: 8, triggerAtMinute: 0 }, '2027-01-01T11:00:00.000Z'],
	['every five minutes', { field: 'minutes', minutesInterval: 5 }, '2026-12-02T12:05:00.000Z'],
	['cron with seconds, names and ranges', { field: 'cronExpression', expression: '0 15 8-18/2 * DEC Mon-Fri' }, '2026-12-02T13:15:00.000Z'],
	['cron of a leap day', { field: 'cronExpression', expression: '0 0 0 29 2 *' }, '2028-02-29T03:00:00.000Z'],
	['cron of a day of the month or a weekday', { field: 'cronExpression', expression: '0 0 20 * 5' }, '2026-12-04T03:00:00.000Z'],
])('%s', (_what, interval, expected) => {
	expect(next(interval)).toBe(expected);
});

test('the earliest of several rules counts, also where they come as JSON', () => {
	const rules = { interval: [{ field: 'days', triggerAtHour: 3 }, { field: 'hours', hoursInterval: 12 }] };
	expect(nextStart(JSON.stringify(rules), NOW, ZONE)?.toISOString()).toBe('2026-12-02T15:00:00.000Z');
});

test('a night on which clocks change has its start too', () => {
	const atTwo = { field: 'days', triggerAtHour: 2, triggerAtMinute: 30 };
	expect(next(atTwo, new Date('2026-03-28T12:00:00.000Z'), 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
	expect(next(atTwo, new Date('2026-03-29T12:00:00.000Z'), 'Europe/Berlin')).toBe('2026-03-30T00:30:00.000Z');
});

test.each([undefined, null, '', 'nonsense', {}, { interval: 'x' }, { interval: [null, { field: 'sunset' }, { field: 'cronExpression', expression: '61 * * * *' }, { field: 'cronExpression', expression: '* * * *' }, { field: 'cronExpression', expression: '0 0 31 2 *' }] }])('nothing can be told of %j', (rules) => {
	expect(nextStart(rules, NOW, ZONE)).toBeUndefined();
});
