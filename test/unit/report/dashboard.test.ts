import { randomBytes } from 'node:crypto';
import { recordCopy } from '../../../lib/catalog/copies';
import { writeExpectedRun } from '../../../lib/catalog/expected-runs';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { holdRetention } from '../../../lib/catalog/retention-hold';
import { appendToHistory, pastRun } from '../../../lib/catalog/run-history';
import { NO_KEYS } from '../../../lib/core/keys';
import type { JobProgress } from '../../../lib/core/progress';
import { DEFAULT_TARGETS } from '../../../lib/report/kpis';
import { html } from '../../../lib/report/html';
import { readDashboard } from '../../../lib/report/read-dashboard';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from '../../support/backup-fixtures';
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
	expect(page).toContain('Nothing has run yet.');
	expect(page).not.toMatch(/newest run|0 usable backups/);
});

test('days begin in the zone of the page', async () => {
	const store = new MemoryStore();
	// 01:00 UTC of the 22nd is still the 21st in São Paulo.
	await publishSmall(store, { startedAt: '2026-11-22T01:00:00.000Z' });
	const { html: page } = await readDashboard(store, OPTIONS, context);
	expect(page).toContain('21 Nov: 1 usable backup"');
	expect(page).toContain('22 Nov: 0 usable backups"');
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
	expect(page).toMatch(/Place<.*&lt;script&gt;.*data-label="Backups">1<\/td>/s);
	expect(page).not.toContain('<script');
});

const ran = (hours: number, failed?: string) => {
	const run = { formatVersion: 1 as const, component: 'postgres' as const, kind: 'full' as const, source: 'crm', backupId: idAt(hoursAgo(hours)), startedAt: hoursAgo(hours), finishedAt: hoursAgo(hours - 0.1) };
	return failed === undefined ? pastRun({ ...run, outcome: 'success', error: null }, { durationSeconds: 360, sourceBytes: 9, storedBytes: 9 }) : pastRun({ ...run, outcome: 'failed', error: { code: 'X', message: failed, hint: 'Make room.' } });
};
const SERIES = { component: 'postgres', kind: 'full', source: 'crm' } as const;

test('a day whose backups are pruned since is no empty one, and one of which nothing is known says so', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1) });
	const page = async () => (await readDashboard(store, OPTIONS, context)).html;
	expect(await page()).toMatch(/21 Nov: not known any more"[^>]*><b><\/b>/);
	await publishSmall(store, { startedAt: hoursAgo(73) });
	// Retention never deletes the newest; what was made between the two may be gone.
	expect(await page()).toContain('20 Nov: not known any more"');
	await appendToHistory(store, SERIES, ran(24 * 20), NEVER);
	await appendToHistory(store, SERIES, ran(24 * 10), NEVER);
	expect(await page()).toContain('12 Nov: 1 usable backup"');
	expect(await page()).toContain('20 Nov: 0 usable backups"');
	expect(await page()).toContain('1 Nov: not known any more"');
});

test('a failure that was mended since is still told, with what was done', async () => {
	const store = new MemoryStore();
	await appendToHistory(store, SERIES, ran(50, HOSTILE), NEVER);
	await appendToHistory(store, SERIES, ran(44), NEVER);
	await publishSmall(store, { startedAt: hoursAgo(2) });
	const { html: page } = await readDashboard(store, OPTIONS, context);
	expect(page).toMatch(/Mended<\/span> The run of 20 Nov 2026, 13:00 succeeded\./);
	expect(page).toContain('20 Nov: 1 usable backup, 1 failed or damaged"');
	expect(page).not.toContain('<script');
});

test('a component that a hold names is not well, moments are local, and what is late is marked', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { component: 'files', startedAt: hoursAgo(1) });
	await publishSmall(store, { component: 'redis', startedAt: hoursAgo(30) });
	await holdRetention(store, { since: hoursAgo(1), by: 'anomaly', reason: 'files, backup 20261122T110000Z-full-aaaaaa: seen at 2026-11-22T11:00:00.000Z.' }, NEVER);
	const { html: page } = await readDashboard(store, OPTIONS, context);
	const cardOf = (label: string) => new RegExp(`<section class="card" aria-label="${label}">.*?</section>`, 's').exec(page)?.[0] ?? '';
	expect(cardOf('Files')).toContain('Warning</span>');
	expect(cardOf('Files')).toContain('Retention is on hold because of its backups');
	expect(cardOf('Redis')).toMatch(/Next expected<\/dt><dd>by 22 Nov 2026, 03:00 <span class="state WARNING">.*6\.0 h late/);
	expect(page).toContain('seen at 22 Nov 2026, 08:00.');
	expect(page).not.toMatch(/\d{4}-\d\d-\d\dT\d\d:/);
});

test('archived WAL is counted in the place where it is', async () => {
	const store = new MemoryStore();
	await publishSmall(store, { startedAt: hoursAgo(1) });
	await putText(store, 'wal/7/00000001/000000010000000000000001.zst', 'x'.repeat(2_000_000));
	const { html: page } = await readDashboard(store, OPTIONS, context);
	expect(page).toMatch(/data-label="Archived WAL">2\.00 MB<.*data-label="Together">2\.00 MB</);
	expect(page).toMatch(/Archived WAL<\/th><td data-label="Size here">2\.00 MB/);
});
