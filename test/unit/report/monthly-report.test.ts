import { writeLastRun } from '../../../lib/catalog/last-run';
import { NO_KEYS } from '../../../lib/core/keys';
import { type LogRow, rowOfBackup } from '../../../lib/log/log-row';
import { DEFAULT_TARGETS } from '../../../lib/report/kpis';
import { monthlyRows } from '../../../lib/report/monthly-rows';
import { readMonthlyReport } from '../../../lib/report/read-monthly-report';
import { check, idAt, NEVER, publishSmall, SOURCE, summaryOf } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

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
	expect(monthlyRows(rows, new Date(hoursAgo(30 * 24)), 'UTC')).toEqual([
		{ day: '2026-11-22', component: 'files', backups: 1, averageSizeMb: null, averageMinutes: null, successful: 0, failed: 0 },
		{ day: '2026-11-22', component: 'postgres', backups: 3, averageSizeMb: 15, averageMinutes: 8 / 3, successful: 2, failed: 1 },
		{ day: '2026-11-21', component: 'postgres', backups: 1, averageSizeMb: 10, averageMinutes: 2, successful: 1, failed: 0 },
	]);
});

test('days begin in the zone of the report', () => {
	const rows = [rowOfBackup(summaryOf({ startedAt: '2026-11-22T01:00:00.000Z' }))];
	expect(monthlyRows(rows, new Date(0), 'America/Sao_Paulo')).toMatchObject([{ day: '2026-11-21' }]);
});

test('both parts tell state, goals, drills and a failure with what to do', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(3) }, [check({ at: hoursAgo(2), durationSeconds: 600 })]);
	await writeLastRun(store, failedRun(1, 'The disk is full.'), NEVER);
	const { state, subject, html, text } = await readMonthlyReport(store, OPTIONS, context);
	expect(state).toBe('CRITICAL');
	expect(subject).toBe('CRITICAL: CRM backups, report of 30 days, 1 failure');
	for (const part of [html, text]) {
		expect(part).toContain('The disk is full.');
		expect(part).toContain('Still open. Free space on the disk.');
		expect(part).toContain('Files');
		expect(part).toMatch(/Time to recover \(RTO\)[^]*10 min/);
		expect(part).toContain('passed');
		expect(part).toContain('the store remembers the newest');
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
