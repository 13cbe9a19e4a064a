import type { RunHistory } from '../../../lib/catalog/run-history';
import type { RecoveryWindow } from '../../../lib/catalog/recovery-window';
import type { BackupSummary } from '../../../lib/catalog/summary';
import { lastDays } from '../../../lib/report/calendar';
import { computeKpis, DEFAULT_TARGETS, type Drill } from '../../../lib/report/kpis';
import { type Past, pastOf } from '../../../lib/report/past';
import type { StatusResult } from '../../../lib/status/read-status';
import { summaryOf } from '../../support/backup-fixtures';

const NOW = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const backup = (hours: number, changes: Partial<BackupSummary> = {}) => summaryOf({ startedAt: hoursAgo(hours), durationSeconds: 60, storedBytes: 1e9, ...changes });
const drill = (hours: number, changes: Partial<Drill> = {}): Drill => ({ component: 'postgres', backup: 'x', at: hoursAgo(hours), durationSeconds: 600, passed: true, ...changes });
const STATUS: StatusResult = { state: 'OK', store: 'memory', checkedAt: NOW.toISOString(), components: [], hold: null, schedules: [], overdue: [], recoveryWindows: [] };
const window = (from: number, to: number | null): RecoveryWindow => ({ source: 'main', host: 'db', port: 5432, systemIdentifier: '1', databases: [], oldestBase: 'x', bases: 1, from: hoursAgo(from), to: to === null ? null : hoursAgo(to), gap: null });

/** A history that knows all of these, some of which are pruned. */
function remembered(backups: readonly BackupSummary[], since = 24 * 100): RunHistory {
	const runs = backups.map(({ id, component, kind, source, startedAt, finishedAt, durationSeconds, sourceBytes, storedBytes }) => ({ backupId: id, component, kind, source, startedAt, finishedAt, durationSeconds, sourceBytes, storedBytes, outcome: 'success' as const, error: null }));
	return { runs, since: new Map([['postgres', new Date(hoursAgo(since))]]) };
}

function goal(name: string, backups: readonly BackupSummary[], { drills = [], windows = [], history = { runs: [], since: new Map() } }: { drills?: Drill[]; windows?: RecoveryWindow[]; history?: RunHistory } = {}) {
	const newestFirst = [...backups].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
	const past: Past = pastOf({ status: STATUS, backups: newestFirst, runs: [] }, history);
	return computeKpis({ past, drills, windows, period: lastDays(NOW, 30, 'UTC'), targets: DEFAULT_TARGETS }).find((kpi) => kpi.name.includes(name));
}

/** Every six hours, each a little late, as the shipped workflow runs. */
const everySixHours = (days: number, minutesEach = 4) => Array.from({ length: days * 4 }, (_, at) => backup(at * 6 + 1 - (at % 3) / 60, { durationSeconds: minutesEach * 60, finishedAt: hoursAgo(at * 6 + 1) }));

test('the RTO adds up the newest successful drill of each component', () => {
	const drills = [drill(1), drill(2, { durationSeconds: 9999 }), drill(3, { component: 'files', durationSeconds: 1200 }), drill(0.5, { component: 'redis', passed: false })];
	expect(goal('RTO', [], { drills })).toMatchObject({ actual: '30 min', reached: true });
	expect(goal('RTO', [])).toMatchObject({ actual: null, reached: null });
});

test('the RPO is the longest time without a beginning, up to now, that of before the month included', () => {
	expect(goal('RPO', [backup(2), backup(8), backup(14)])).toMatchObject({ actual: '6.0 h', reached: true });
	expect(goal('RPO', [backup(7), backup(8)])).toMatchObject({ actual: '7.0 h', reached: false });
	expect(goal('RPO', [backup(1), backup(31 * 24)])).toMatchObject({ actual: '31.0 days' });
	expect(goal('RPO', [backup(1, { status: 'damaged' }), backup(2, { kind: 'extract' })])).toMatchObject({ actual: null });
});

test('the shipped schedule reaches its goals: some seconds late, and the next run is there only at its end', () => {
	const backups = everySixHours(31);
	expect(goal('RPO', backups)).toMatchObject({ actual: '6.0 h', reached: true });
	expect(goal('availability', backups)).toMatchObject({ actual: '100.00 %', reached: true });
	// The dump that is on its way began when the newest was six hours old, and takes as long as that did.
	const running = [backup(6.15, { durationSeconds: 600 }), backup(12)];
	expect(goal('RPO', running)).toMatchObject({ actual: '6.2 h', reached: true });
	expect(goal('availability', running)).toMatchObject({ actual: '100.00 %', reached: true });
	expect(goal('RPO', [backup(6.5, { durationSeconds: 600 }), backup(12)])).toMatchObject({ actual: '6.5 h', reached: false });
});

test('a goal is compared as it is shown', () => {
	expect(goal('RPO', [backup(6.04, { durationSeconds: 0 })])).toMatchObject({ actual: '6.0 h', target: 'at most 6.0 h', reached: true });
	expect(goal('Longest', [backup(1, { durationSeconds: 1805 })])).toMatchObject({ actual: '30 min', target: 'at most 30 min', reached: true });
	expect(goal('Longest', [backup(1, { durationSeconds: 1840 })])).toMatchObject({ actual: '31 min', reached: false });
});

test('archived WAL counts as it does in the state, from where to where it reaches, and the page says so', () => {
	const daily = Array.from({ length: 31 }, (_, day) => backup(day * 24 + 20));
	expect(goal('RPO', daily)).toMatchObject({ actual: '24.0 h', reached: false });
	const oldAlone = [backup(20), backup(44)];
	expect(goal('RPO', oldAlone, { windows: [window(44, 0.01)] })).toMatchObject({ actual: '36 s', reached: true, explanation: expect.stringContaining('Archived WAL counts') });
	expect(goal('availability', oldAlone, { windows: [window(44, 0.01)] })).toMatchObject({ actual: '100.00 %', reached: true });
	expect(goal('RPO', oldAlone, { windows: [window(44, 9)] })).toMatchObject({ actual: '9.0 h', reached: false });
	expect(goal('RPO', oldAlone, { windows: [window(44, null)] })).toMatchObject({ actual: '24.0 h', explanation: expect.stringContaining('No archived WAL') });
});

test('availability is the share of time within the RPO', () => {
	expect(goal('availability', [backup(6), backup(12)])).toMatchObject({ actual: '100.00 %', reached: true });
	expect(goal('availability', [backup(12, { durationSeconds: 0 })])).toMatchObject({ actual: '50.0 %', reached: false });
});

test('the size counts the newest of everything once, without incrementals', () => {
	expect(goal('Size', [backup(1), backup(2, { storedBytes: 5e9 }), backup(3, { component: 'files', storedBytes: 2e9 }), backup(1, { kind: 'incremental', storedBytes: 8e9 })])).toMatchObject({ actual: '3.00 GB' });
});

describe('the time before', () => {
	const all = everySixHours(62);
	const kept = all.filter(({ startedAt }) => Date.parse(startedAt) > NOW.getTime() - 30 * 86_400_000);

	test('is not told from what retention has left of it', () => {
		for (const name of ['RPO', 'availability', 'Size', 'Longest', 'RTO']) expect({ name, before: goal(name, kept, { drills: [drill(1)] })?.before }).toEqual({ name, before: null });
		for (const name of ['RPO', 'availability', 'Size', 'Longest']) expect(goal(name, kept, { history: remembered(all, 24 * 40) })).toMatchObject({ before: null, trend: null });
	});

	test('is told from the history, pruned backups and all', () => {
		const history = remembered(all);
		expect(goal('RPO', kept, { history })).toMatchObject({ actual: '6.0 h', before: '6.0 h', trend: 'about the same' });
		expect(goal('availability', kept, { history })).toMatchObject({ before: '100.00 %' });
		expect(goal('Longest', kept, { history })).toMatchObject({ before: '4.0 min' });
		expect(goal('Size', kept, { history })).toMatchObject({ before: '1.00 GB', actual: '1.00 GB' });
		// What a drill found of a backup is deleted with it.
		expect(goal('RTO', kept, { history, drills: [drill(1)] })).toMatchObject({ before: null });
		expect(goal('RTO', all, { history, drills: [drill(1), drill(24 * 40, { durationSeconds: 1200 })] })).toMatchObject({ actual: '10 min', before: '20 min', trend: 'better than before' });
	});

	test('of an availability far from its goal, a small change is none', () => {
		const poor = Array.from({ length: 62 }, (_, day) => backup(day * 24 + (day < 30 ? 12 : 12.2), { durationSeconds: 0 }));
		expect(goal('availability', poor, { history: remembered(poor) })).toMatchObject({ trend: 'about the same', reached: false });
	});
});
