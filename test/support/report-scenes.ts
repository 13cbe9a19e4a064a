import { randomBytes } from 'node:crypto';
import { recordCopy } from '../../lib/catalog/copies';
import { writeExpectedRun } from '../../lib/catalog/expected-runs';
import { writeLastRun } from '../../lib/catalog/last-run';
import { historyKey } from '../../lib/catalog/layout';
import { acquireLock, type Lock } from '../../lib/catalog/locks';
import type { Manifest } from '../../lib/catalog/manifest';
import type { RecoveryWindow } from '../../lib/catalog/recovery-window';
import { holdRetention } from '../../lib/catalog/retention-hold';
import { type PastRun, pastRun } from '../../lib/catalog/run-history';
import { seriesOf } from '../../lib/catalog/series';
import { writeSmallObject } from '../../lib/catalog/small-object';
import { NO_KEYS } from '../../lib/core/keys';
import { advanceRecovery, beginRecovery } from '../../lib/recovery/journal';
import { DEFAULT_TARGETS } from '../../lib/report/kpis';
import { readDashboard } from '../../lib/report/read-dashboard';
import { readMonthlyReport } from '../../lib/report/read-monthly-report';
import type { ReadWindows } from '../../lib/status/read-status';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from './backup-fixtures';
import { MemoryStore } from './memory-store';

export const SCENES = ['well', 'running', 'failures', 'empty'] as const;
export type Scene = (typeof SCENES)[number];

/** The page and the report of a store in which everything has happened that they can show. */
export interface ScenePages {
	readonly dashboard: string;
	readonly report: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const OPTIONS = { components: [], thresholds: [], holdOnAlarm: false, timeZone: 'America/Sao_Paulo', targets: DEFAULT_TARGETS };
/** What somebody may have called a database. */
const HOSTILE = '<b>billing</b> & "archive"; DROP TABLE x; --';

/** Locks tell by the clock of this machine whether their holder lives: so the scenes play now. */
export async function renderScene(scene: Scene, days = 95): Promise<ScenePages> {
	const store = new MemoryStore();
	const now = new Date();
	const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	const ago = (hours: number) => new Date(now.getTime() - hours * HOUR).toISOString();
	const locks: Lock[] = [];
	if (scene !== 'empty') await fill(store, scene, days, ago, context);
	if (scene === 'running') locks.push(...(await startRuns(store, ago, context)));
	if (scene === 'failures') await failRuns(store, ago, context);
	const windows: RecoveryWindow[] = scene === 'empty' ? [] : [{ source: 'main', host: 'db', port: 5432, systemIdentifier: '7', databases: ['crm_dashboard'], oldestBase: idAt(ago(27), 'base'), bases: 2, from: ago(27), to: ago(scene === 'failures' ? 3 : 0.02), gap: scene === 'failures' ? '00000001000000000000002A is missing from 0/2A000000 on' : null }];
	const readWindows: ReadWindows = () => Promise.resolve(windows);
	const [dashboard, report] = await Promise.all([
		readDashboard(store, { ...OPTIONS, title: 'Backups of crm_dashboard', refreshSeconds: 60 }, context, readWindows),
		readMonthlyReport(store, { ...OPTIONS, title: 'Backups of crm_dashboard', days: 0 }, context, readWindows),
	]);
	for (const lock of locks) await lock.release();
	return { dashboard: dashboard.html, report: report.html };
}

type Ago = (hours: number) => string;
type SceneContext = Parameters<typeof beginRecovery>[2] & Parameters<typeof recordCopy>[1];

/** What the shipped workflows back up, when, and for how long it is kept. `at`: hours of the day (UTC). */
const SCHEDULE = [
	{ component: 'postgres', kind: 'full', name: 'crm_dashboard', at: [0.5, 6.5, 12.5, 18.5], every: 1, keptDays: 30, bytes: 840e6, seconds: 95 },
	{ component: 'postgres', kind: 'base', name: 'main', at: [2], every: 7, keptDays: 30, bytes: 2.3e9, seconds: 260 },
	{ component: 'redis', kind: 'full', name: 'sessions', at: [3.05], every: 1, keptDays: 7, bytes: 61e6, seconds: 7 },
	{ component: 'files', kind: 'full', name: 'uploads', at: [2.1], every: 7, keptDays: 90, bytes: 2.1e9, seconds: 340 },
	{ component: 'files', kind: 'incremental', name: 'uploads', at: [0.55, 6.55, 12.55, 18.55], every: 1, keptDays: 82, bytes: 38e6, seconds: 21 },
	{ component: 'config', kind: 'full', name: 'config', at: [4], every: 7, keptDays: 30, bytes: 84e3, seconds: 1 },
	{ component: 'logs', kind: 'full', name: 'logs', at: [3.1], every: 1, keptDays: 14, bytes: 25e6, seconds: 3 },
	{ component: 'n8n', kind: 'full', name: 'n8n', at: [3.15], every: 1, keptDays: 30, bytes: 12e6, seconds: 4 },
] as const;

type Planned = (typeof SCHEDULE)[number];

function sourceOf({ component, name }: Planned): Manifest['source'] {
	switch (component) {
		case 'postgres':
			return { ...SOURCE, name };
		case 'redis':
			return { ...SOURCE, type: 'redis', name, port: 6379, serverVersion: '7.0.15', serverMajor: 7 };
		case 'n8n':
			return { type: 'n8n', name, host: 'app', version: '2.41.1', database: 'sqlite' };
		default:
			return { type: 'files', name, host: 'app', folder: `/app/${name}` };
	}
}

/** The shipped schedule: what was kept is published, and the history knows all of it. Sizes grow, runs begin some seconds late and take longer or shorter. */
async function fill(store: MemoryStore, scene: Scene, days: number, ago: Ago, context: SceneContext): Promise<void> {
	const now = Date.parse(ago(0));
	const history = new Map<string, { planned: Planned; runs: PastRun[] }>();
	const fulls: { id: string; at: number }[] = [];
	for (const planned of SCHEDULE) {
		const { component, kind, name, keptDays } = planned;
		for (let day = days; day >= 0; day--) {
			const midnight = Math.floor(now / DAY - day) * DAY;
			if (planned.every > 1 && (midnight / DAY + 3) % planned.every !== 0 && days > planned.every) continue;
			for (const hour of planned.at) {
				const at = midnight + hour * HOUR;
				const age = (now - at) / HOUR;
				if (age < 0.2) continue;
				if (scene === 'failures' && component === 'redis' && age < 60) continue;
				const noise = 1 + Math.sin(at / 7_777_777) * 0.06;
				const seconds = Math.max(0.4, planned.seconds * (1 - day / 200) * noise);
				const stored = Math.round(planned.bytes * (1 - day / 160) * (kind === 'incremental' ? noise * noise : 1 + (noise - 1) / 10));
				const startedAt = new Date(at + 1000 + Math.abs(noise - 1) * 100_000).toISOString();
				const finishedAt = new Date(Date.parse(startedAt) + seconds * 1000).toISOString();
				const size = { durationSeconds: Math.round(seconds * 1000) / 1000, storedBytes: stored, sourceBytes: stored * 3 };
				const id = idAt(startedAt, kind);
				const failed = scene === 'failures' && hour === 3.05 && (day === 9 || day === 17);
				const error = failed ? { code: 'STORE_FULL', message: 'The store (/backups) is full: 12.4 MB are free, 61 MB are needed.', hint: 'Free space, or prune.' } : null;
				const run = pastRun({ formatVersion: 1, component, kind, source: name, backupId: id, outcome: failed ? 'failed' : 'success', startedAt, finishedAt, error }, failed ? undefined : size);
				const key = historyKey(seriesOf({ component, kind, source: name }), startedAt.slice(0, 7));
				history.set(key, { planned, runs: [...(history.get(key)?.runs ?? []), run] });
				if (failed || age > keptDays * 24) continue;
				const drilled = hour === planned.at[0] && (new Date(at).getUTCDate() === 1 || age < (planned.every + 1) * 24) ? [check({ at: new Date(at + 2 * HOUR).toISOString(), durationSeconds: Math.round(seconds * 1.8) })] : [];
				const manifest = await publishSmall(store, { id, component, kind, startedAt, finishedAt, ...size, source: sourceOf(planned), parent: kind === 'incremental' ? (fulls.filter((full) => full.at < at).at(-1)?.id ?? null) : null }, drilled);
				if (component === 'files' && kind === 'full') fulls.push({ id, at });
				if (age < 14 * 24) await recordCopy(store, context, manifest, { store: 's3 bucket crm-backups, folder /second', origin: false, copiedAt: finishedAt, checkedAt: finishedAt });
			}
		}
	}
	for (const [key, { planned, runs }] of history) {
		const { component, kind, name } = planned;
		await writeSmallObject(store, key, { formatVersion: 1, component, kind, source: name, runs }, { signal: NEVER });
	}
	await putText(store, 'wal/7/00000001/000000010000000000000001.zst', 'x'.repeat(16e6));
	for (const day of [32, 1]) {
		const at = { ...context, now: () => new Date(Date.parse(ago(day * 24))) };
		const begun = await beginRecovery(store, { name: 'Recovery: Drill', stages: ['database', 'uploads'], asked: {}, by: 'drill', execution: '', whenOpen: 'resume', takeOver: false, onlyTheSame: false }, at);
		const attempt = { id: begun.recovery.id, run: begun.recovery.run };
		for (const [index, seconds] of [0, 170, 420].entries()) await advanceRecovery(store, attempt, { outcome: 'done', detail: '', result: null }, { ...at, now: () => new Date(Date.parse(ago(day * 24)) + seconds * 1000 + index) });
	}
}

async function startRuns(store: MemoryStore, ago: Ago, context: SceneContext): Promise<Lock[]> {
	const locks: Lock[] = [];
	for (const [component, source, progress] of [
		['postgres', 'crm_dashboard', { step: 'Dumping "crm_dashboard"', done: 1.4e9, total: 2.5e9, unit: 'bytes', perSecond: 46e6 }],
		['files', 'uploads', { step: 'Archiving uploads', done: 8120, total: null, unit: 'files', perSecond: 1900 }],
	] as const) {
		const id = idAt(ago(0.01));
		await writeLastRun(store, { formatVersion: 1, component, kind: 'full', source, backupId: id, outcome: 'running', startedAt: ago(0.01), finishedAt: null, error: null }, NEVER);
		const lock = await acquireLock(store, { ...context, latestProgress: () => ({ ...progress, at: ago(0) }) }, { name: component, mode: 'exclusive', purpose: `backing up ${source}`, waitSeconds: 0 });
		await lock.attach(id);
		locks.push(lock);
	}
	return locks;
}

async function failRuns(store: MemoryStore, ago: Ago, context: SceneContext): Promise<void> {
	const failed = (component: 'redis' | 'postgres', source: string, hours: number, message: string, hint: string) =>
		writeLastRun(store, { formatVersion: 1, component, kind: 'full', source, backupId: idAt(ago(hours)), outcome: 'failed', startedAt: ago(hours), finishedAt: ago(hours), error: { code: 'STORE_FULL', message, hint } }, NEVER);
	await failed('redis', 'sessions', 3, 'The store (/backups) is full: 12.4 MB are free, 61 MB are needed.', 'Free space, or prune.');
	await failed('postgres', HOSTILE, 2, `There is no database ${HOSTILE} on db:5432.`, 'Choose one that exists.');
	await publishSmall(store, { startedAt: ago(1), storedBytes: 11e6 }, [check({ level: 'checksum', passed: false, at: ago(0.5), detail: 'database.dump.zst is damaged: its stored bytes have another SHA-256' })]);
	await writeExpectedRun(store, { id: 'brBackupDaily001', name: 'Backup: Daily', succeededAt: ago(51), nextBy: ago(24) }, NEVER);
	await holdRetention(store, { since: ago(20), by: 'anomaly', reason: `files, backup ${idAt(ago(20), 'incremental')}: 41.0 % of all files changed; at most 1.2 % is usual. files, backup ${idAt(ago(20))}: It compresses to 97.1 % of its size instead of 33.3 %: encrypted files look like this.` }, context.signal);
}
