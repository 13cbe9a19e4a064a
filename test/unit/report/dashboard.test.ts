import { randomBytes } from 'node:crypto';
import { recordCopy } from '../../../lib/catalog/copies';
import { writeExpectedRun } from '../../../lib/catalog/expected-runs';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { NO_KEYS } from '../../../lib/core/keys';
import type { JobProgress } from '../../../lib/core/progress';
import { computeKpis, DEFAULT_TARGETS, type Drill } from '../../../lib/report/kpis';
import { html } from '../../../lib/report/html';
import { readDashboard } from '../../../lib/report/read-dashboard';
import { check, idAt, NEVER, publishSmall, SOURCE, summaryOf } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const context = { now: () => NOW, randomBytes, signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
const OPTIONS = { components: [], thresholds: [], holdOnAlarm: false, title: 'Backups', timeZone: 'America/Sao_Paulo', refreshSeconds: 60, targets: DEFAULT_TARGETS };
const HOSTILE = `"><script>alert('x')</script>&amp;\u0007`;

test('whatever is put into HTML is text', () => {
	expect(html`<p title="${HOSTILE}">${HOSTILE}${null}${3}${[html`<b>${'<'}</b>`]}</p>`.text).toBe(
		'<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;·">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;·3<b>&lt;</b></p>',
	);
});

test('hostile names, messages and titles appear as text, and nothing is loaded from anywhere', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1), source: { ...SOURCE, name: HOSTILE } }, [check({ at: hoursAgo(0.5), passed: false, detail: HOSTILE })]);
	await writeLastRun(store, { formatVersion: 1, component: 'redis', kind: 'full', source: HOSTILE, backupId: idAt(hoursAgo(2)), outcome: 'failed', startedAt: hoursAgo(2), finishedAt: hoursAgo(2), error: { code: 'X', message: HOSTILE, hint: HOSTILE } }, NEVER);
	const { html: page } = await readDashboard(store, { ...OPTIONS, title: HOSTILE }, context);
	expect(page).not.toContain('<script');
	expect(page).not.toMatch(/<(img|link|iframe)|src=|href="(?!\?)|url\(|@import/);
	expect(page.split('&lt;script&gt;').length).toBeGreaterThan(4);
});

test('an empty store is a page too, and tells what is missing', async () => {
	const { html: page, state } = await readDashboard(new MemoryStore(), OPTIONS, context);
	expect(state).toBe('CRITICAL');
	expect(page).toContain('There is no usable backup.');
	expect(page).toContain('not measured yet');
	expect(page).toContain('run a restore drill');
});

test('days begin in the zone of the page', async () => {
	const store = new MemoryStore();
	// 01:00 UTC of the 22nd is still the 21st in São Paulo.
	await publishSmall(store, { startedAt: '2026-11-22T01:00:00.000Z' });
	const { html: page } = await readDashboard(store, OPTIONS, context);
	expect(page).toContain('2026-11-21: 1 usable backup"');
	expect(page).toContain('2026-11-22: 0 usable backups"');
});

test('what runs now has a bar, with what is known of it', async () => {
	const store = new MemoryStore();
	const at = hoursAgo(0.1);
	const id = idAt(at);
	await writeLastRun(store, { formatVersion: 1, component: 'postgres', kind: 'full', source: HOSTILE, backupId: id, outcome: 'running', startedAt: at, finishedAt: null, error: null }, NEVER);
	const running = async (progress: JobProgress | null) => {
		const lock = await acquireLock(store, { ...context, now: () => new Date(), latestProgress: () => progress }, { name: 'postgres', mode: 'exclusive', purpose: 'backing up', waitSeconds: 0 });
		await lock.attach(id);
		const page = (await readDashboard(store, OPTIONS, { ...context, now: () => new Date() })).html;
		await lock.release();
		return page;
	};
	const told = { step: `Dumping ${HOSTILE}`, done: 5e8, total: 2e9, unit: 'bytes', perSecond: 1e8, at } as const;
	const page = await running(told);
	expect(page).toContain('max="2000000000" value="500000000"');
	expect(page).toContain('500.0 MB, 25 % of 2.00 GB, 100.0 MB a second, about 15 s left');
	expect(page).not.toContain('<script');
	expect(await running({ ...told, total: null })).toMatch(/<progress aria-label="[^"]*"><\/progress>.*500\.0 MB, 100\.0 MB a second</);
	expect(await running(null)).toContain('It has not told how far it is.');
	expect((await readDashboard(store, OPTIONS, { ...context, now: () => new Date() })).html).not.toContain('Running now');
});

test('schedules that stopped, windows, whole drills and other places are told, as text', async () => {
	const store = new MemoryStore();
	const backup = await publishSmall(store, { startedAt: hoursAgo(1) });
	await recordCopy(store, context, backup, { store: HOSTILE, origin: false, copiedAt: hoursAgo(1), checkedAt: hoursAgo(0.5) });
	await writeExpectedRun(store, { id: 'w', name: HOSTILE, succeededAt: hoursAgo(30), nextBy: hoursAgo(3) }, NEVER);
	const window = { source: HOSTILE, host: 'db', port: 5432, systemIdentifier: '1', databases: [], oldestBase: backup.id, bases: 2, from: hoursAgo(26), to: hoursAgo(0.5), gap: HOSTILE };
	const { html: page, state } = await readDashboard(store, OPTIONS, context, () => Promise.resolve([window]));
	expect(state).toBe('CRITICAL');
	expect(page).toContain('A schedule has silently stopped');
	expect(page).toMatch(/2 base backups.*25\.5 h.*30 min/s);
	expect(page).toContain('No drill has succeeded yet');
	expect(page).toMatch(/Place<.*&lt;script&gt;.*<td>1<\/td>/s);
	expect(page).not.toContain('<script');
});

describe('goals', () => {
	const backup = (hours: number, changes: Parameters<typeof summaryOf>[0] = {}) => summaryOf({ startedAt: hoursAgo(hours), durationSeconds: 60, storedBytes: 1e9, ...changes });
	const drill = (hours: number, changes: Partial<Drill> = {}): Drill => ({ component: 'postgres', backup: 'x', at: hoursAgo(hours), durationSeconds: 600, passed: true, ...changes });
	const goal = (name: string, backups: ReturnType<typeof summaryOf>[], drills: Drill[] = []) =>
		computeKpis({ backups, drills, now: NOW, days: 30, targets: DEFAULT_TARGETS }).find((kpi) => kpi.name.includes(name));

	test('the RTO adds up the newest successful drill of each component', () => {
		const drills = [drill(1), drill(2, { durationSeconds: 9999 }), drill(3, { component: 'files', durationSeconds: 1200 }), drill(0.5, { component: 'redis', passed: false })];
		expect(goal('RTO', [], drills)).toMatchObject({ actual: '30 min', reached: true });
		expect(goal('RTO', [], [])).toMatchObject({ actual: null, reached: null });
	});

	test('the RPO is the longest time without a beginning, up to now, that of before the month included', () => {
		expect(goal('RPO', [backup(2), backup(8), backup(14)])).toMatchObject({ actual: '6.0 h', reached: true });
		expect(goal('RPO', [backup(7), backup(8)])).toMatchObject({ actual: '7.0 h', reached: false });
		expect(goal('RPO', [backup(1), backup(31 * 24)])).toMatchObject({ actual: '31.0 days' });
		expect(goal('RPO', [backup(1, { status: 'damaged' }), backup(2, { kind: 'extract' })])).toMatchObject({ actual: null });
	});

	test('availability is the share of time within the RPO', () => {
		expect(goal('availability', [backup(6), backup(12)])).toMatchObject({ actual: '100.00 %', reached: true });
		expect(goal('availability', [backup(12)])).toMatchObject({ actual: '50.0 %', reached: false });
	});

	test('the size counts the newest of everything once, without incrementals', () => {
		expect(goal('Size', [backup(1), backup(2, { storedBytes: 5e9 }), backup(3, { component: 'files', storedBytes: 2e9 }), backup(1, { kind: 'incremental', storedBytes: 8e9 })])).toMatchObject({ actual: '3.00 GB' });
	});
});
