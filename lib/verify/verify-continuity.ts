import { performance } from 'node:perf_hooks';
import { withBackupInUse } from '../backup/use-backup';
import { type BackupChoice, findBackup, type FoundBackup } from '../catalog/find-backup';
import { walkBackups } from '../catalog/list-backups';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { StepRecorder, type StepResult } from '../core/steps';
import { readWalIndex } from '../postgres/wal/archive-index';
import { baseDetails, coveredWindow, type CoveredWindow, walAfter } from '../postgres/wal/covered-window';
import { withFreshListing } from '../postgres/wal/visit-wal';
import type { WalPath } from '../postgres/wal/wal-path';
import type { Store } from '../storage/store';
import { checkWalBytes, checkWalRecords } from './check-wal-bytes';

export interface VerifyContinuityOptions {
	readonly store: Store;
	/** `window`: the newest base backup that ended before the last `windowHours`, or else the oldest; of `source`, where there are several servers. */
	readonly base: BackupChoice | { readonly by: 'window'; readonly source?: string };
	/** The timeline to end on; null: the newest that descends from the base backup. */
	readonly timeline: number | null;
	/** `records`: what the store lists and the records say. `bytes`: also every byte, page and record of the log. */
	readonly level: 'records' | 'bytes';
	/** How long the window should be, and how far behind the present its end may be; less is a warning. */
	readonly windowHours: number;
	readonly maxAgeMinutes: number;
}

export interface ContinuityResult {
	readonly base: BackupSummary;
	readonly systemIdentifier: string;
	readonly window: CoveredWindow;
	/** Length of the window. */
	readonly windowHours: number;
	/** From the end of the window to the present, by two clocks. */
	readonly behindSeconds: number;
	readonly level: VerifyContinuityOptions['level'];
	/** Segments and pieces from the base backup's start on. */
	readonly objects: number;
	readonly storedBytes: number;
	readonly detail: string;
	readonly warnings: string[];
	readonly steps: StepResult[];
	readonly durationSeconds: number;
}

const KINDS = ['base', 'incremental'] as const;
const HOUR_MS = 3_600_000;

/**
 * Proves that the archived WAL leads from a base backup to its newest point without a gap, and says from when to when.
 * @throws BackupError `WAL_GAP` naming what is missing and the window that is left, `ARTIFACT_DAMAGED`, `WAL_INVALID`, `BACKUP_NOT_FOUND`, …
 */
export async function verifyContinuity(options: VerifyContinuityOptions, context: JobContext): Promise<ContinuityResult> {
	const startedAt = performance.now();
	const { store, level } = options;
	const found = await chooseBase(options, context);
	const base = baseDetails(found.manifest);
	return await withBackupInUse(store, context, found.manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		const list = async () => {
			const index = await readWalIndex(store, base, held);
			const wal = walAfter(index, base, options.timeline);
			return { index, wal, covered: await coveredWindow(store, index, base, wal, held) };
		};
		const listed = await steps.run('List the archive', async () => await withFreshListing(list), ({ wal }) => `${wal.parts.length} segments and pieces follow each other from ${base.startLsn}; ${wal.ends}.`);
		const { index, wal, covered } = listed;
		if (wal.gap) {
			throw new BackupError(
				'WAL_GAP',
				`The WAL after base backup ${found.manifest.id} has a gap: ${wal.ends}. Recovery from it is possible from ${covered.from} to ${covered.to ?? covered.toLsn}, not later.`,
				'Bring the missing segment back from another copy of the store. Otherwise take a new base backup now, and see why it is missing.',
			);
		}
		const recordsOf = async (path: WalPath) => await checkWalRecords(store, index, path, held);
		/** The same stretch as it is archived now: a piece goes once its whole segment is there. */
		const relist = async () => {
			const now = await list();
			return await recordsOf({ ...now.wal, parts: now.wal.parts.filter(({ start }) => start < wal.end) });
		};
		const records = await steps.run('Read the records', async () => await recordsOf(wal).catch(async (error: unknown) => await again(error, relist)), (all) => `${all.length} records and the sizes of their objects agree.`);
		const bytes = level === 'records' ? undefined : await steps.run('Read every byte', async () => await checkWalBytes(store, base, wal, records, held, relist), describeBytes);
		const window = { ...covered, lastCommitAt: covered.lastCommitAt ?? bytes?.times?.lastCommitAt ?? null };
		const behindSeconds = window.to === null ? Infinity : (context.now().getTime() - Date.parse(window.to)) / 1000;
		const windowHours = window.to === null ? 0 : (Date.parse(window.to) - Date.parse(window.from)) / HOUR_MS;
		return {
			base: found.summary,
			systemIdentifier: base.systemIdentifier,
			window,
			windowHours: Math.round(windowHours * 100) / 100,
			behindSeconds: Math.max(0, Math.round(Number.isFinite(behindSeconds) ? behindSeconds : 0)),
			level,
			objects: wal.parts.length,
			storedBytes: records.reduce((sum, { artifact }) => sum + artifact.storedBytes, 0),
			detail: `Any time from ${window.from} to ${window.to ?? window.toLsn} can be recovered: ${wal.parts.length} segments and pieces without a gap, ${window.fromLsn} to ${window.toLsn} on timeline ${window.timeline}.`,
			warnings: warningsOf(options, window, windowHours, behindSeconds, bytes?.unopened ?? 0),
			steps: steps.steps,
			durationSeconds: Math.round(performance.now() - startedAt) / 1000,
		};
	});
}

/** What is missing may have been replaced since it was listed; what is missing again is. */
async function again<T>(error: unknown, repeat: () => Promise<T>): Promise<T> {
	if (error instanceof BackupError && error.code === 'WAL_GAP') return await repeat();
	throw error;
}

function describeBytes({ storedBytes, unopened }: { storedBytes: number; unopened: number }): string {
	if (unopened > 0) return `${storedBytes} stored bytes are as they were written; they are encrypted and were not opened.`;
	return `${storedBytes} stored bytes are as they were written, and every page and record of the log is valid.`;
}

function warningsOf(options: VerifyContinuityOptions, window: CoveredWindow, windowHours: number, behindSeconds: number, unopened: number): string[] {
	const warnings: string[] = [];
	if (window.to === null) warnings.push('The archive does not say when its newest WAL was written.');
	else if (behindSeconds > options.maxAgeMinutes * 60) warnings.push(`The newest point that can be recovered is ${window.to}, ${Math.round(behindSeconds / 60)} minutes ago; at most ${options.maxAgeMinutes} were asked for. See whether WAL is still archived.`);
	if (windowHours < options.windowHours) warnings.push(`The window is ${windowHours.toFixed(1)} hours long; ${options.windowHours} were asked for. It grows to that by itself unless older base backups or WAL were deleted too early.`);
	if (unopened > 0) warnings.push('The archive is encrypted and no key was given, so the log itself was not read.');
	return warnings;
}

async function chooseBase({ store, base, windowHours }: VerifyContinuityOptions, context: JobContext): Promise<FoundBackup> {
	if (base.by !== 'window') return await findBackup(store, { component: 'postgres', kinds: KINDS, choice: base });
	const before = context.now().getTime() - windowHours * HOUR_MS;
	let oldest: FoundBackup | undefined;
	for await (const { manifest, summary } of walkBackups(store, { component: 'postgres', kinds: KINDS, source: base.source })) {
		const details = manifest?.basebackup;
		if (!details || summary.status !== 'success') continue;
		// Newest first; WAL of another server says nothing about this one.
		if (oldest?.manifest.basebackup && oldest.manifest.basebackup.systemIdentifier !== details.systemIdentifier) continue;
		oldest = { manifest, summary };
		if (Date.parse(details.endedAt) <= before) break;
	}
	if (oldest) return oldest;
	throw new BackupError('BACKUP_NOT_FOUND', `The store (${store.description}) holds no base backup${base.source === undefined ? '' : ` of ${JSON.stringify(base.source)}`}.`, 'Take one with "Postgres Basebackup"; WAL leads nowhere without it.');
}
