import { writeExpectedRun } from '../../../lib/catalog/expected-runs';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { historyKey } from '../../../lib/catalog/layout';
import { seriesOf } from '../../../lib/catalog/series';
import { writeSmallObject } from '../../../lib/catalog/small-object';
import { holdRetention } from '../../../lib/catalog/retention-hold';
import { appendToHistory, pastRun } from '../../../lib/catalog/run-history';
import { NO_KEYS } from '../../../lib/core/keys';
import { type LogRow, rowOfBackup } from '../../../lib/log/log-row';
import { lastDays } from '../../../lib/report/calendar';
import { DEFAULT_TARGETS } from '../../../lib/report/kpis';
import { monthlyRows } from '../../../lib/report/monthly-rows';
import { readMonthlyReport } from '../../../lib/report/read-monthly-report';
import { check, idAt, NEVER, publishSmall, SOURCE, summaryOf } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';
import { renderScene } from '../../support/report-scenes';

const NOW = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const context = { now: () => NOW, randomBytes: (bytes: number) => Buffer.alloc(bytes), signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
const OPTIONS = { components: [], thresholds: [], holdOnAlarm: false, title: 'CRM backups', timeZone: 'America/Sao_Paulo', days: 30, targets: DEFAULT_TARGETS };
const HOSTILE = `"><script>alert('x')</script>&amp;\u0007\r\nBcc: someone`;

const failedRun = (hours: number, message: string) => ({
	formatVersion: 1 as const,
	component: 'postgres' as const,
	kind: 'full' as const,
	source: SOURCE.name,
	backupId: idAt(hoursAgo(hours)),
	outcome: 'failed' as const,
	startedAt: hoursAgo(hours),
	finishedAt: hoursAgo(hours),
	error: { code: 'X', message, hint: 'Free space on the disk.' },
});

test('the table counts and averages a day of a component as SQL does: unknown values are left out of the averages, not counted as zero', () => {
	const row = (hours: number, changes: Partial<LogRow> = {}): LogRow => ({ ...rowOfBackup(summaryOf({ startedAt: hoursAgo(hours) })), size_mb: 10, duration_minutes: 2, ...changes });
	const failed = { status: 'failed', size_mb: null, duration_minutes: 4 } as const;
	const rows = [row(1), row(2, { size_mb: 20 }), row(3, failed), row(1, { component: 'files', status: 'running', size_mb: null, duration_minutes: null }), row(24), row(31 * 24)];
	expect(monthlyRows(rows, lastDays(NOW, 30, 'UTC'), 'UTC')).toEqual([
		{ day: '2026-11-22', component: 'files', backups: 1, averageSizeMb: null, averageMinutes: null, successful: 0, failed: 0 },
		{ day: '2026-11-22', component: 'postgres', backups: 3, averageSizeMb: 15, averageMinutes: 8 / 3, successful: 2, failed: 1 },
		{ day: '2026-11-21', component: 'postgres', backups: 1, averageSizeMb: 10, averageMinutes: 2, successful: 1, failed: 0 },
	]);
});

test('days begin in the zone of the report', () => {
	const rows = [rowOfBackup(summaryOf({ startedAt: '2026-11-22T01:00:00.000Z' }))];
	expect(monthlyRows(rows, lastDays(NOW, 30, 'UTC'), 'America/Sao_Paulo')).toMatchObject([{ day: '2026-11-21' }]);
});

test('both parts tell state, goals, drills and a failure with what to do', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(3) }, [check({ at: hoursAgo(2), durationSeconds: 600 })]);
	await writeLastRun(store, failedRun(1, 'The disk is full.'), NEVER);
	const { state, subject, html, text } = await readMonthlyReport(store, OPTIONS, context);
	expect(state).toBe('CRITICAL');
	expect(subject).toBe('CRITICAL: CRM backups, report of the last 30 days, 1 failure');
	for (const part of [html, text]) {
		expect(part).toContain('The disk is full.');
		expect(part).toMatch(/(Still open\.|open<\/span>) Free space on the disk\./);
		expect(part).toContain('Files');
		expect(part).toMatch(/Time to recover \(RTO\)[^]*10 min/);
		expect(part).toContain('passed');
		expect(part).toContain('this store remembers the newest');
	}
	expect(text).toContain('- 2026-11-22 postgres: 2 runs, 1 successful, 1 failed');
});

test('a damaged backup is a failure until a newer one of the same is sound', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(9) }, [check({ at: hoursAgo(8), passed: false, detail: 'a byte is wrong' })]);
	expect((await readMonthlyReport(store, OPTIONS, context)).text).toContain('Still open. Make a new backup now.');
	const newer = await publishSmall(store, { startedAt: hoursAgo(3) });
	expect((await readMonthlyReport(store, OPTIONS, context)).text).toContain(`A newer, sound backup of it is ${newer.id}.`);
});

test('hostile names and messages are text, the subject is one line, and nothing is loaded from anywhere', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1), source: { ...SOURCE, name: HOSTILE } });
	await writeLastRun(store, failedRun(2, HOSTILE), NEVER);
	const { subject, html, text } = await readMonthlyReport(store, { ...OPTIONS, title: HOSTILE }, context);
	expect(subject).not.toMatch(/[\r\n]/);
	expect(html).not.toContain('<script');
	expect(html).not.toMatch(/<(img|link|iframe)|(src|href)=|url\(|@import/);
	expect(html).toContain('&lt;script&gt;');
	expect(text).not.toMatch(/^\s*Bcc/m);
});

test('an empty store has a report too', async () => {
	const { state, html, text } = await readMonthlyReport(new MemoryStore(), OPTIONS, context);
	expect(state).toBe('CRITICAL');
	for (const part of [html, text]) {
		expect(part).toContain('not measured yet');
		expect(part).toContain('Nothing ran.');
		expect(part).not.toMatch(/at most \d+ runs? a day|class="bar"/);
		expect(part).toContain('run a restore drill');
	}
});

test('the report of the first of a month is of all of its days, none twice, whatever the clock did', async () => {
	const now = new Date('2026-11-01T11:00:00Z');
	const store = new MemoryStore();
	for (const startedAt of ['2026-09-30T20:00:00.000Z', '2026-10-01T05:00:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-31T22:30:00.000Z', '2026-10-31T23:30:00.000Z']) await publishSmall(store, { startedAt });
	const { subject, text, html } = await readMonthlyReport(store, { ...OPTIONS, days: 0, timeZone: 'Europe/Berlin' }, { ...context, now: () => now });
	expect(subject).toContain('report of October 2026');
	expect(text.match(/^- 2026-\d\d-\d\d postgres/gm)).toEqual(['- 2026-10-31 postgres', '- 2026-10-25 postgres', '- 2026-10-01 postgres']);
	expect(html).toContain('1 Oct to 31 Oct, at most 1 run a day');
});

test('a store in which nothing ran the month before has a report of the month so far', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1) });
	expect(await readMonthlyReport(store, { ...OPTIONS, days: 0 }, context)).toMatchObject({ subject: expect.stringContaining('report of November 2026 so far'), text: expect.stringContaining('- 2026-11-22 postgres: 1 runs') });
});

test('pruned backups and failures that were mended since are still in it', async () => {
	const store = new MemoryStore();
	const series = { component: 'postgres', kind: 'full', source: SOURCE.name } as const;
	const pruned = { ...failedRun(24 * 9, ''), ...series, outcome: 'success' as const, error: null };
	await appendToHistory(store, series, pastRun(pruned, { durationSeconds: 120, sourceBytes: 9e6, storedBytes: 3e6 }), NEVER);
	const failed = { ...failedRun(24 * 10, 'The disk was full.'), outcome: 'failed' as const };
	await appendToHistory(store, series, pastRun(failed), NEVER);
	await publishSmall(store, { startedAt: hoursAgo(1) });
	const { text, html, failures } = await readMonthlyReport(store, OPTIONS, context);
	expect(failures).toEqual([expect.objectContaining({ open: false, message: 'The disk was full.', done: `The run of ${hoursAgo(24 * 9)} succeeded.` })]);
	expect(text).toContain('The run of 13 Nov 2026, 09:00 succeeded.');
	expect(text).toContain('- 2026-11-13 postgres: 1 runs, 1 successful, 0 failed, 3.00 MB and 2.00 min on average');
	expect(html).toMatch(/mended<\/span> The run of 13 Nov 2026, 09:00 succeeded\./);
	expect(html).toContain('Size of PostgreSQL: 3.00 MB');
});

test('what is gravest stands first', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1) });
	await publishSmall(store, { component: 'files', startedAt: hoursAgo(1) });
	const well = await readMonthlyReport(store, OPTIONS, context);
	expect(well.text).toContain('All is well');
	await writeExpectedRun(store, { id: 'w', name: 'Backup: Daily', succeededAt: hoursAgo(30), nextBy: hoursAgo(3) }, NEVER);
	await holdRetention(store, { since: hoursAgo(1), by: 'anomaly', reason: 'files, backup x: It compresses to 97 %.' }, NEVER);
	const { html, text } = await readMonthlyReport(store, OPTIONS, context);
	for (const part of [html, text]) {
		expect(part).toMatch(/Backup: Daily has silently stopped[^]*Retention is on hold[^]*How it stands now/i);
		expect(part).not.toContain('All is well');
	}
	expect(html).toMatch(/Files<\/th><td[^>]*><span class="WARNING"/);
	expect(text).toMatch(/^- Files: WARNING/m);
});

test('a month of six components at the shipped schedule stays below the size beyond which mail programs cut it off', async () => {
	expect(Buffer.byteLength((await renderScene('failures')).report)).toBeLessThan(90_000);
});

test('long lists are cut, and say by how much', async () => {
	const store = new MemoryStore();
	const series = { component: 'postgres', kind: 'full', source: SOURCE.name } as const;
	const runs = Array.from({ length: 400 }, (_, at) => pastRun({ ...failedRun(2 + at, `Failure ${at} ${'x'.repeat(900)}`), outcome: 'failed' }));
	await writeSmallObject(store, historyKey(seriesOf(series), '2026-11'), { formatVersion: 1, ...series, runs }, { signal: NEVER });
	const { html, text, failures } = await readMonthlyReport(store, OPTIONS, context);
	expect(failures).toHaveLength(400);
	for (const part of [html, text]) expect(part).toContain('and 385 more');
	expect(Buffer.byteLength(html)).toBeLessThan(90_000);
});
