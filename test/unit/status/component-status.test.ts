import { randomBytes } from 'node:crypto';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { liftRetentionHold } from '../../../lib/catalog/retention-hold';
import { NO_KEYS } from '../../../lib/core/keys';
import { prune } from '../../../lib/retention/prune';
import type { KnownRun } from '../../../lib/catalog/known-runs';
import { componentStatus } from '../../../lib/status/component-status';
import { walReach } from '../../../lib/status/protected-until';
import { readStatus } from '../../../lib/status/read-status';
import type { RecoveryWindow } from '../../../lib/catalog/recovery-window';
import { DEFAULT_THRESHOLDS } from '../../../lib/status/thresholds';
import { idAt, manifestOf, NEVER, publishSmall, summaryOf } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date('2026-11-22T12:00:00Z');
const POSTGRES = DEFAULT_THRESHOLDS[0]!;
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const backup = (hours: number, changes: Parameters<typeof summaryOf>[0] = {}) => summaryOf({ startedAt: hoursAgo(hours), ...changes });
const runOf = (outcome: 'running' | 'failed' | 'success', died = false): KnownRun => ({
	died,
	run: { formatVersion: 1, component: 'postgres', kind: 'full', source: 'crm', backupId: idAt(hoursAgo(1)), outcome, startedAt: hoursAgo(1), finishedAt: null, error: outcome === 'failed' ? { code: 'STORE_FULL', message: 'The store is full.', hint: '' } : null },
});
const statusOf = (backups: ReturnType<typeof summaryOf>[], runs: KnownRun[] = []) => componentStatus(POSTGRES, backups, runs, NOW);

test.each([
	[1, 'OK'],
	[5.99, 'OK'],
	[6, 'WARNING'],
	[23.9, 'WARNING'],
	[24, 'CRITICAL'],
])('a newest backup of %d hours is %s', (hours, freshness) => {
	expect(statusOf([backup(hours)])).toMatchObject({ freshness, state: freshness, ageHours: hours });
});

test('says why it is not well, the worst first', () => {
	expect(statusOf([])).toMatchObject({ state: 'CRITICAL', reasons: ['There is no usable backup.'], lastSuccess: null, nextExpectedBy: null });
	expect(statusOf([backup(1)], [runOf('failed')])).toMatchObject({ freshness: 'OK', state: 'WARNING', reasons: [expect.stringContaining('The store is full.')] });
	expect(statusOf([backup(1)], [runOf('running', true)])).toMatchObject({ state: 'WARNING', reasons: [expect.stringContaining('ended without a word')], running: [] });
	expect(statusOf([backup(1)], [runOf('running')])).toMatchObject({ state: 'OK', reasons: [], running: [{ kind: 'full', source: 'crm' }] });
	const damaged = backup(0.5, { status: 'damaged', problem: 'a bit flipped' });
	expect(statusOf([damaged, backup(7)], [runOf('failed')])).toMatchObject({ state: 'CRITICAL', reasons: [expect.stringContaining('a bit flipped'), expect.stringContaining('7.0 hours old'), expect.stringContaining('The store is full')] });
});

test('extracts, globals, partial dumps and dumps of what was about to be replaced make nothing fresh', () => {
	for (const kind of ['extract', 'globals', 'partial', 'safety'] as const) expect(statusOf([backup(1, { kind }), backup(30)])).toMatchObject({ freshness: 'CRITICAL', backups: 1 });
});

test('a safety backup that failed is not held against the component for ever', () => {
	const failed = runOf('failed');
	expect(statusOf([backup(1)], [{ ...failed, run: { ...failed.run, kind: 'safety' } }])).toMatchObject({ state: 'OK', reasons: [] });
});

test('a database that is left behind by the others is named, one that was given up long ago is not', () => {
	const status = statusOf([backup(1, { source: 'crm' }), backup(9, { source: 'billing' }), backup(3000, { source: 'old' })]);
	expect(status).toMatchObject({ freshness: 'OK', state: 'WARNING', reasons: [expect.stringContaining('billing')] });
	expect(status.series.map(({ source, freshness }) => [source, freshness])).toEqual([['crm', 'OK'], ['billing', 'WARNING'], ['old', 'CRITICAL']]);
});

test('knows the newest check, the newest restore, and how the size changed', () => {
	const status = statusOf([
		backup(1, { storedBytes: 300, verified: { level: 'checksum', at: hoursAgo(0.5) } }),
		backup(2, { storedBytes: 100, verified: { level: 'restore', at: hoursAgo(1.5) } }),
		backup(3, { storedBytes: 110 }),
		backup(4, { storedBytes: 90, verified: { level: 'restore', at: hoursAgo(3.5) } }),
	]);
	expect(status).toMatchObject({ lastVerified: { level: 'checksum', at: hoursAgo(0.5) }, lastRestored: { at: hoursAgo(1.5) }, sizeTrend: 3, storedBytes: 600, nextExpectedBy: hoursAgo(-5) });
});

test('an empty store is critical, and components that are asked for must be there', async () => {
	const context = { now: () => NOW, randomBytes: () => Buffer.alloc(1), signal: new AbortController().signal, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	const store = new MemoryStore();
	const all = await readStatus(store, { components: [], thresholds: [], holdOnAlarm: false }, context);
	expect(all).toMatchObject({ state: 'CRITICAL', components: [{ component: 'postgres' }, { component: 'files' }] });
	expect(await readStatus(store, { components: ['redis'], thresholds: [], holdOnAlarm: false }, context)).toMatchObject({ components: [{ component: 'redis', state: 'CRITICAL' }] });
	expect(store.objects.size).toBe(0);
});

test('what looks like encrypted files is critical, and puts retention on hold when asked to', async () => {
	const store = new MemoryStore();
	const context = { now: () => NOW, randomBytes: (bytes: number) => Buffer.alloc(bytes), signal: new AbortController().signal, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	const files = { tree: { files: 1000, folders: 1, links: 0, bytes: 1e9 }, carried: { files: 1000, bytes: 1e9 }, deleted: 0 };
	const artifact = (storedBytes: number) => ({ ...manifestOf().artifacts[0]!, name: 'files.tar.zst', sourceBytes: 1e9, storedBytes, compression: { algorithm: 'zstd' as const, level: 1, frameBytes: 1 } });
	const publish = async (hours: number, storedBytes: number) =>
		await publishSmall(store, { component: 'files', startedAt: hoursAgo(hours), files, artifacts: [artifact(storedBytes)], sourceBytes: 1e9, storedBytes, source: { type: 'files', name: 'uploads', host: 'h', folder: '/uploads' } });
	for (let day = 10; day > 1; day--) await publish(day * 24, 5e8 + day);
	const options = { components: ['files' as const], thresholds: [], holdOnAlarm: false };
	expect(await readStatus(store, options, context)).toMatchObject({ components: [{ anomalies: [] }], hold: null });
	await publish(1, 9e8);
	expect(await readStatus(store, options, context)).toMatchObject({ state: 'CRITICAL', hold: null, components: [{ freshness: 'OK', anomalies: expect.arrayContaining([expect.objectContaining({ measure: 'storedShare' })]) }] });
	expect(await readStatus(store, { ...options, holdOnAlarm: true }, context)).toMatchObject({ hold: { by: 'anomaly', reason: expect.stringContaining('encrypted files look like this') } });

	const policy = { keepLastVerified: 1, keepDays: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepRecoveryPoints: 0, timeZone: 'UTC' };
	const count = store.objects.size;
	expect(await prune(store, context, { policy, apply: true })).toMatchObject({ applied: false, deleted: [], hold: { by: 'anomaly' } });
	expect([...store.objects.keys()].filter((key) => !key.startsWith('locks/'))).toHaveLength(count);
	expect(await liftRetentionHold(store)).toMatchObject({ by: 'anomaly' });
	await expect(liftRetentionHold(store)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a living run says how far it is, as its lock tells', async () => {
	const store = new MemoryStore();
	const told = { step: 'Dumping "crm"', done: 5, total: 10, unit: 'bytes' as const, perSecond: 2.5, at: NOW.toISOString() };
	const context = { now: () => NOW, randomBytes, signal: NEVER, progress: () => undefined, latestProgress: () => told, keys: NO_KEYS, workFolder: '/nowhere' };
	const { run } = runOf('running');
	await writeLastRun(store, run, NEVER);
	const options = { components: [], thresholds: [], holdOnAlarm: false };
	const running = async () => (await readStatus(store, options, { ...context, now: () => new Date() })).components.find(({ component }) => component === 'postgres')?.running;
	expect(await running()).toEqual([]);
	const lock = await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', waitSeconds: 0 });
	await lock.attach(run.backupId);
	expect(await running()).toEqual([{ kind: 'full', source: 'crm', startedAt: run.startedAt, progress: told }]);
	await lock.release();
	expect(await running()).toEqual([]);
});

describe('archived WAL', () => {
	const SERVER = { host: 'db', port: 5432 };
	const window = (changes: Partial<RecoveryWindow> = {}): RecoveryWindow => ({ source: 'main', ...SERVER, systemIdentifier: '1', databases: ['crm'], oldestBase: 'b', bases: 1, from: hoursAgo(300), to: hoursAgo(0.1), gap: null, ...changes });
	const withWal = (backups: ReturnType<typeof summaryOf>[], changes: Partial<RecoveryWindow> = {}) => {
		const windows = [window(changes)];
		return componentStatus(POSTGRES, backups, [], NOW, [], windows, walReach(backups, windows, new Map(backups.map(({ id }) => [id, SERVER]))));
	};

	test('that reaches to now makes up for an old dump of the same server; what is told of backups alone stays', () => {
		expect(withWal([backup(9)])).toMatchObject({ state: 'OK', freshness: 'WARNING', reasons: [], protectedUntil: hoursAgo(0.1), nextExpectedBy: new Date(Date.parse(hoursAgo(0.1)) + 6 * 3_600_000).toISOString() });
	});

	test.each([
		['does not say when it was written', { to: null }],
		['is of another database', { databases: ['erp'] }],
		['is of a server at another address with a database of that name', { host: 'staging' }],
	])('that %s does not', (_what, changes) => {
		expect(withWal([backup(9)], changes)).toMatchObject({ state: 'WARNING', reasons: [expect.stringContaining('The newest backup is 9.0 hours old')] });
	});

	test('that has stopped counts until it did: an old base backup is not told as missed', () => {
		const base = backup(290, { kind: 'base', source: 'main' });
		expect(withWal([base], { to: hoursAgo(7) })).toMatchObject({ state: 'WARNING', freshness: 'CRITICAL', reasons: [expect.stringContaining('The newest archived WAL of main is 7.0 hours old')] });
		// Another server is well, so that the component is: still this one is not forgotten.
		expect(withWal([backup(1, { source: 'erp' }), base], { to: hoursAgo(7) })).toMatchObject({ state: 'WARNING', findings: [{ kind: 'series', reason: expect.stringContaining('archived WAL of main is 7.0 hours old') }] });
	});

	test('with a gap is a warning, and counts up to the gap', () => {
		expect(withWal([backup(9)], { gap: '000000010000000000000007 is missing', to: hoursAgo(8) })).toMatchObject({ state: 'WARNING', findings: [{ kind: 'stale' }, { kind: 'gap', about: 'main', reason: expect.stringContaining('000000010000000000000007') }] });
		expect(withWal([backup(1)], { gap: 'x', to: hoursAgo(8) })).toMatchObject({ state: 'WARNING', freshness: 'OK', findings: [{ kind: 'gap' }] });
	});
});
