import { randomBytes } from 'node:crypto';
import { recordCopy } from '../../lib/catalog/copies';
import { writeExpectedRun } from '../../lib/catalog/expected-runs';
import { writeLastRun } from '../../lib/catalog/last-run';
import { acquireLock, type Lock } from '../../lib/catalog/locks';
import type { RecoveryWindow } from '../../lib/catalog/recovery-window';
import { holdRetention } from '../../lib/catalog/retention-hold';
import { NO_KEYS } from '../../lib/core/keys';
import { advanceRecovery, beginRecovery } from '../../lib/recovery/journal';
import { DEFAULT_TARGETS } from '../../lib/report/kpis';
import { readDashboard } from '../../lib/report/read-dashboard';
import { readMonthlyReport } from '../../lib/report/read-monthly-report';
import type { ReadWindows } from '../../lib/status/read-status';
import { check, idAt, NEVER, publishSmall, SOURCE } from './backup-fixtures';
import { MemoryStore } from './memory-store';

export const SCENES = ['well', 'running', 'failures', 'empty'] as const;
export type Scene = (typeof SCENES)[number];

/** The page and the report of a store in which everything has happened that they can show. */
export interface ScenePages {
	readonly dashboard: string;
	readonly report: string;
}

const HOUR = 3_600_000;
const OPTIONS = { components: [], thresholds: [], holdOnAlarm: false, timeZone: 'America/Sao_Paulo', targets: DEFAULT_TARGETS };
/** What somebody may have called a database. */
const HOSTILE = '<b>billing</b> & "archive"; DROP TABLE x; --';

/** Locks tell by the clock of this machine whether their holder lives: so the scenes play now. */
export async function renderScene(scene: Scene, days = 40): Promise<ScenePages> {
	const store = new MemoryStore();
	const now = new Date();
	const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	const ago = (hours: number) => new Date(now.getTime() - hours * HOUR).toISOString();
	const locks: Lock[] = [];
	if (scene !== 'empty') await fill(store, scene, days, ago, context);
	if (scene === 'running') locks.push(...(await startRuns(store, ago, context)));
	if (scene === 'failures') await failRuns(store, ago, context);
	const windows: RecoveryWindow[] = scene === 'empty' ? [] : [{ source: 'main', host: 'db', port: 5432, systemIdentifier: '7', databases: ['crm'], oldestBase: idAt(ago(27), 'base'), bases: 2, from: ago(27), to: ago(scene === 'failures' ? 3 : 0.02), gap: scene === 'failures' ? '00000001000000000000002A is missing from 0/2A000000 on' : null }];
	const readWindows: ReadWindows = () => Promise.resolve(windows);
	const [dashboard, report] = await Promise.all([
		readDashboard(store, { ...OPTIONS, title: 'Backups of crm_dashboard', refreshSeconds: 60 }, context, readWindows),
		readMonthlyReport(store, { ...OPTIONS, title: 'Backups of crm_dashboard', days: 30 }, context, readWindows),
	]);
	for (const lock of locks) await lock.release();
	return { dashboard: dashboard.html, report: report.html };
}

type Ago = (hours: number) => string;
type SceneContext = Parameters<typeof beginRecovery>[2] & Parameters<typeof recordCopy>[1];

/** Days of the guide's schedule, smaller towards the past, with drills and copies. */
async function fill(store: MemoryStore, scene: Scene, days: number, ago: Ago, context: SceneContext): Promise<void> {
	for (let day = days; day >= 0; day--) {
		const hours = day * 24 + 3;
		const grown = 1 - day / 160;
		for (const [component, name, bytes, seconds] of [['postgres', 'crm', 840e6, 95], ['files', 'uploads', 2.1e9, 140], ['redis', 'sessions', 61e6, 7], ['n8n', 'n8n', 12e6, 4]] as const) {
			if (scene === 'failures' && component === 'redis' && day < 2) continue;
			const source = component === 'postgres' ? SOURCE : component === 'files' ? { type: 'files' as const, name, host: 'app', folder: '/app/uploads' } : component === 'redis' ? { ...SOURCE, type: 'redis' as const, name, port: 6379, serverVersion: '7.0.15', serverMajor: 7 } : { type: 'n8n' as const, name, host: 'app', version: '2.41.1', database: 'sqlite' as const };
			const drilled = day % 7 === 0 || day < 3 ? [check({ at: ago(hours - 0.5), durationSeconds: Math.round(seconds * 1.8 * grown) })] : [];
			const manifest = await publishSmall(store, { startedAt: ago(hours), component, source, durationSeconds: Math.round(seconds * grown), storedBytes: Math.round(bytes * grown), sourceBytes: Math.round(bytes * grown * 3) }, drilled);
			if (day < 14) await recordCopy(store, context, manifest, { store: 's3 bucket crm-backups, folder /second', origin: false, copiedAt: ago(hours - 0.2), checkedAt: ago(hours - 0.1) });
		}
	}
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
		['postgres', 'crm', { step: 'Dumping "crm"', done: 1.4e9, total: 2.5e9, unit: 'bytes', perSecond: 46e6 }],
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
	await holdRetention(store, { since: ago(20), by: 'anomaly', reason: 'files, backup of yesterday: 41 % of the files changed, and they no longer compress.' }, context.signal);
}
