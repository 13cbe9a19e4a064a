import { randomBytes } from 'node:crypto';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { NO_KEYS } from '../../../lib/core/keys';
import type { KnownRun } from '../../../lib/catalog/known-runs';
import { componentStatus } from '../../../lib/status/component-status';
import { walReach } from '../../../lib/status/protected-until';
import { readStatus } from '../../../lib/status/read-status';
import type { RecoveryWindow } from '../../../lib/catalog/recovery-window';
import { placeOf } from '../../../lib/status/standing';
import { DEFAULT_THRESHOLDS } from '../../../lib/status/thresholds';
import { idAt, NEVER, summaryOf } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date('2026-11-22T12:00:00Z');
const POSTGRES = DEFAULT_THRESHOLDS[0]!;
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const backup = (hours: number, changes: Parameters<typeof summaryOf>[0] = {}) => summaryOf({ startedAt: hoursAgo(hours), ...changes });
const runOf = (outcome: 'running' | 'failed' | 'success', died = false): KnownRun => ({
	died,
	run: { formatVersion: 1, component: 'postgres', kind: 'full', source: 'crm', backupId: idAt(hoursAgo(1)), outcome, startedAt: hoursAgo(1), finishedAt: null, error: outcome === 'failed' ? { code: 'STORE_FULL', message: 'The store is full.', hint: '' } : null },
});
const statusOf = (backups: ReturnType<typeof summaryOf>[], runs: KnownRun[] = [], more: Partial<Parameters<typeof componentStatus>[0]> = {}) => componentStatus({ threshold: POSTGRES, backups, runs, now: NOW, ...more });

test.each([
	[1, 'OK'],
	[5.99, 'OK'],
	[6, 'WARNING'],
	[23.9, 'WARNING'],
	[24, 'CRITICAL'],
])('a newest backup of %d hours is %s', (hours, freshness) => {
	expect(statusOf([backup(hours)])).toMatchObject({ freshness, ageHours: hours });
});

test.each([
	['as old as the threshold, and the next run is due', 6.1, 60, 'OK'],
	['older, and the next run has been going on for about as long as usual', 6.55, 1800, 'OK'],
	['older than a usual run can make it', 6.8, 1800, 'WARNING'],
	['older, and runs are short', 6.3, 60, 'WARNING'],
	['older than twice the threshold, however long runs take', 12.5, 100_000, 'WARNING'],
	['critical by the same measure', 24.1, 60, 'OK'],
])('a newest backup that is %s', (_what, hours, durationSeconds, state) => {
	const status = statusOf([backup(hours, { durationSeconds }), backup(hours + 6, { durationSeconds: 30 })]);
	expect(status.state).toBe(hours > 24 ? 'WARNING' : state);
	expect(status).toMatchObject({ freshness: hours >= 24 ? 'CRITICAL' : 'WARNING' });
	// What people are told does not contradict itself.
	for (const reason of status.reasons) expect(reason).not.toContain('is 6.0 hours old; it should be at most 6.0 hours');
	expect(Date.parse(status.lateAfter!)).toBe(Date.parse(status.nextExpectedBy!) + (Math.min(durationSeconds, 6 * 3600) + 600) * 1000);
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

test('a database that is left behind by the others is named for as long as it is, until a person says that it is gone', () => {
	const backups = [backup(1, { source: 'crm' }), backup(9, { source: 'billing' }), backup(3000, { source: 'old' })];
	const status = statusOf(backups);
	expect(status).toMatchObject({ freshness: 'OK', state: 'WARNING', reasons: [expect.stringContaining('billing'), expect.stringContaining('125.0 days old')] });
	expect(status.series.map(({ source, freshness }) => [source, freshness])).toEqual([['crm', 'OK'], ['billing', 'WARNING'], ['old', 'CRITICAL']]);
	expect(statusOf(backups, [], { forgotten: new Set([placeOf({ component: 'postgres', source: 'old' })]) }).findings).toMatchObject([{ kind: 'series', reason: expect.stringContaining('billing') }]);
});

test('what was left behind stays told when everything stops; what stopped with the rest is told once', () => {
	const later = (hours: number) => componentStatus({ threshold: POSTGRES, backups: [backup(1, { source: 'crm' }), backup(1.1, { source: 'erp' }), backup(9, { source: 'billing' })], runs: [], now: new Date(NOW.getTime() + hours * 3_600_000) }).findings.map(({ kind, reason }) => `${kind} ${/of (\w+) is/.exec(reason)?.[1] ?? ''}`.trim());
	expect(later(0)).toEqual(['series billing']);
	expect(later(8)).toEqual(['stale', 'series billing']);
	expect(later(100)).toEqual(['stale', 'series billing']);
});

test('every damaged backup is told until it is gone; of very many the oldest by name', () => {
	const damaged = (hours: number, changes: Parameters<typeof summaryOf>[0] = {}) => backup(hours, { status: 'damaged', problem: 'a bit flipped', problemSince: hoursAgo(hours - 0.5), ...changes });
	const [one, two, dump] = [damaged(2), damaged(5), damaged(3, { source: 'erp' })];
	const globals = backup(0.5, { kind: 'globals', source: 'globals' });
	expect(statusOf([globals, backup(1), one, dump, two]).findings).toMatchObject([
		// Nothing newer of its own: what is newer is of something else.
		{ kind: 'damaged', about: dump.id, state: 'CRITICAL', since: hoursAgo(2.5) },
		{ kind: 'damaged', about: one.id, state: 'WARNING' },
		{ kind: 'damaged', about: two.id, state: 'WARNING' },
	]);
	const many = Array.from({ length: 14 }, (_, at) => damaged(at + 1));
	const named = (backups: typeof many) => statusOf([...backups, backup(40)]).findings.filter(({ kind }) => kind === 'damaged').map(({ about }) => about);
	const before = named(many.slice(1));
	expect(before).toHaveLength(11);
	// A further one makes none of those that were named look mended.
	expect(named(many).sort()).toEqual(before.sort());
	expect(statusOf(many).findings.find(({ about }) => about === 'others')).toMatchObject({ state: 'CRITICAL', reason: expect.stringContaining(many[0]!.id) });
});

test('a backup of which something is missing is told, critical when it is the newest', () => {
	const [newest, older] = [backup(1), backup(2)];
	expect(statusOf([newest, older], [], { lost: new Map([[newest.id, 'database.dump is not in the store'], [older.id, 'database.dump has 3 bytes instead of 5']]) }).findings).toMatchObject([
		{ kind: 'lost', about: newest.id, state: 'CRITICAL', reason: `Backup ${newest.id} is incomplete: database.dump is not in the store.` },
		{ kind: 'lost', about: older.id, state: 'CRITICAL', reason: expect.stringContaining('has 3 bytes instead of 5') },
	]);
	expect(statusOf([newest, older], [], { lost: new Map([[older.id, 'x']]) })).toMatchObject({ state: 'WARNING' });
});

test('a backup of the future is told and makes nothing fresh, by a clock that is a little wrong it may be', () => {
	expect(statusOf([backup(-0.1)])).toMatchObject({ state: 'OK', backups: 1 });
	const status = statusOf([backup(-2), backup(-1), backup(30)]);
	expect(status).toMatchObject({ freshness: 'CRITICAL', state: 'CRITICAL', backups: 1, ageHours: 30 });
	expect(status.findings).toMatchObject([{ kind: 'stale' }, { kind: 'future', state: 'WARNING', reason: expect.stringContaining(hoursAgo(-2)) }]);
});

test('the newest backup tells what it builds on, and cannot be restored without it', () => {
	const full = backup(9, { kind: 'full' });
	const first = backup(5, { kind: 'incremental', parent: full.id });
	const second = backup(1, { kind: 'incremental', parent: first.id });
	expect(statusOf([second, first, full])).toMatchObject({ state: 'OK', series: [{ newest: second.id, chain: { full: full.id, length: 3, complete: true, problem: null } }] });
	expect(statusOf([second, full])).toMatchObject({ state: 'CRITICAL', series: [{ chain: { full: null, length: 1, complete: false, problem: `backup ${first.id} is not in the store` } }], findings: [{ kind: 'chain', reason: expect.stringContaining(first.id) }] });
	expect(statusOf([second, first, { ...full, status: 'damaged' }]).findings.find(({ kind }) => kind === 'chain')).toMatchObject({ state: 'CRITICAL', reason: expect.stringContaining(`backup ${full.id} is damaged`) });
	expect(statusOf([second, first, full], [], { lost: new Map([[full.id, 'x']]) }).series[0]).toMatchObject({ chain: { complete: false, problem: `backup ${full.id} is incomplete` } });
	// One that names itself, or goes round.
	expect(statusOf([{ ...second, parent: second.id }])).toMatchObject({ series: [{ chain: { complete: false } }] });
});

test('that nothing was verified for long is told, counted from the first backup where there never was a check', () => {
	const days = (ages: readonly number[], verified?: number) => statusOf(ages.map((age, at) => backup(age * 24, at === 0 && verified !== undefined ? { verified: { level: 'checksum', at: hoursAgo(verified * 24) } } : {})), [], { verifiedWithinDays: 35 }).findings.filter(({ kind }) => kind === 'unverified');
	expect(days([0.1, 34])).toEqual([]);
	expect(days([0.1, 36])).toMatchObject([{ state: 'WARNING', reason: expect.stringContaining('No backup has ever been verified'), since: hoursAgo(24) }]);
	expect(days([0.1, 90], 34)).toEqual([]);
	expect(days([0.1, 90], 36)).toMatchObject([{ reason: expect.stringContaining(`since ${hoursAgo(36 * 24)}`), since: hoursAgo(24) }]);
	expect(statusOf([backup(0.1), backup(2400)], [], { verifiedWithinDays: 0 }).findings).toEqual([]);
});

test('facts tell since when it is so, and when all was well', () => {
	expect(statusOf([backup(9)]).findings).toMatchObject([{ kind: 'stale', since: hoursAgo(3), wellAt: hoursAgo(9) }]);
	expect(statusOf([backup(5)], [runOf('failed')]).findings).toMatchObject([{ kind: 'failed', since: hoursAgo(1), wellAt: hoursAgo(5) }]);
	expect(statusOf([]).findings).toMatchObject([{ kind: 'missing', since: null, wellAt: null }]);
});

test('knows the newest check, the newest restore, and how the size changed', () => {
	const status = statusOf([
		backup(1, { storedBytes: 300, verified: { level: 'checksum', at: hoursAgo(0.5) } }),
		backup(2, { storedBytes: 100, verified: { level: 'restore', at: hoursAgo(1.5) } }),
		backup(3, { storedBytes: 110 }),
		backup(4, { storedBytes: 90, verified: { level: 'restore', at: hoursAgo(3.5) } }),
	]);
	expect(statusOf([1, 2, 3, 4].map((hours) => backup(hours))).rowTrend).toBeNull();
	const counted = [1, 2, 3, 4].map((hours) => backup(hours));
	expect(statusOf(counted, [], { rows: new Map(counted.map(({ id }, at) => [id, at === 0 ? 50 : 100])) })).toMatchObject({ rowTrend: 0.5, sizeTrend: 1 });
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
		return componentStatus({ threshold: POSTGRES, backups, runs: [], now: NOW, windows, reach: walReach(backups, windows, new Map(backups.map(({ id }) => [id, SERVER]))) });
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
		expect(withWal([backup(9)], { gap: '000000010000000000000007 is missing', to: hoursAgo(8) })).toMatchObject({ state: 'WARNING', findings: [{ kind: 'stale' }, { kind: 'gap', about: '1', reason: expect.stringContaining('000000010000000000000007') }] });
		expect(withWal([backup(1)], { gap: 'x', to: hoursAgo(8) })).toMatchObject({ state: 'WARNING', freshness: 'OK', findings: [{ kind: 'gap' }] });
	});
});
