import { performance } from 'node:perf_hooks';
import type { Component } from '../catalog/component';
import { readChain } from '../catalog/chain';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { walkBackups } from '../catalog/list-backups';
import type { RecoveryPointChoice } from '../catalog/list-recovery-points';
import type { Manifest } from '../catalog/manifest';
import { readManifest } from '../catalog/read-manifest';
import { withBackupInUse } from '../backup/use-backup';
import type { JobContext } from '../core/context';
import { throwIfAborted } from '../core/errors';
import { type CopiedBackup, copyBackup, type CopyOptions, findWholeCopy } from './copy-backup';
import { copyRecoveryPoint } from './copy-recovery-point';
import { BackupFailures } from './failures';

/** What to copy. Whatever a backup needs to be restored (its parents) is copied with it, before it. */
export type CopySelection =
	| { readonly what: 'backup'; readonly component: Component; readonly backup: BackupChoice }
	/** The members of a recovery point, and its manifest. */
	| { readonly what: 'recoveryPoint'; readonly recoveryPoint: RecoveryPointChoice }
	/** Everything that the target lacks. */
	| { readonly what: 'missing'; readonly component?: Component; readonly source?: string; readonly withinDays?: number };

export interface CopyOutcome {
	readonly source: string;
	readonly target: string;
	/** Parents before those that need them. */
	readonly copies: CopiedBackup[];
	/** Id of the recovery point that was copied. */
	readonly recoveryPoint: string | null;
	/** What was passed over, and why. */
	readonly skipped: { readonly id: string; readonly component: Component; readonly reason: string }[];
	readonly copiedBytes: number;
	readonly durationSeconds: number;
}

const DAY_MS = 86_400_000;

/**
 * Copies backups from one store to another, one after the other. A backup that turns out to be damaged or gone does not keep the
 * others from being copied; the job fails at the end, naming each.
 */
export async function copyBackups(options: CopyOptions, selection: CopySelection, context: JobContext): Promise<CopyOutcome> {
	const startedAt = performance.now();
	const run = new CopyRun(options, context);
	let recoveryPoint: string | null = null;
	switch (selection.what) {
		case 'backup': {
			const { manifest } = await findBackup(options.source, { component: selection.component, choice: selection.backup });
			await run.copyWithParents(manifest);
			break;
		}
		case 'recoveryPoint':
			recoveryPoint = await copyRecoveryPoint(options, selection.recoveryPoint, context, run);
			break;
		case 'missing':
			await copyMissing(run, selection, options, context);
			break;
	}
	run.failures.throwIfAny(options.target.description);
	return {
		source: options.source.description,
		target: options.target.description,
		copies: run.copies,
		recoveryPoint,
		skipped: run.skipped,
		copiedBytes: run.copies.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
		durationSeconds: Math.round(performance.now() - startedAt) / 1000,
	};
}

export type BackupPlace = Pick<Manifest, 'component' | 'id'>;

/** The backups that one job copies, each once. */
export class CopyRun {
	readonly copies: CopiedBackup[] = [];
	readonly skipped: CopyOutcome['skipped'] = [];
	readonly failures = new BackupFailures();
	private readonly done = new Set<string>();

	constructor(
		private readonly options: CopyOptions,
		private readonly context: JobContext,
	) {}

	/** Copies a backup after those that it needs. While it goes on, nothing of the chain is pruned in the source. */
	async copyWithParents(place: BackupPlace): Promise<void> {
		await withBackupInUse(this.options.source, this.context, place, async (signal) => {
			const context = { ...this.context, signal };
			const manifest = await readManifest(this.options.source, place.component, place.id, signal);
			// Held by `withBackupInUse`, so it is there.
			const chain = manifest === undefined ? [] : await readChain(this.options.source, manifest);
			for (const member of chain) {
				if (this.done.has(member.id)) continue;
				this.copies.push(await copyBackup(this.options, member, context));
				this.done.add(member.id);
			}
		});
	}

	/** Notes a backup that is in the target already. @returns whether it is */
	async passOver(place: BackupPlace): Promise<boolean> {
		throwIfAborted(this.context.signal);
		if (this.done.has(place.id)) return true;
		const there = await findWholeCopy(this.options, place);
		if (!there) return false;
		this.copies.push(there);
		this.done.add(place.id);
		return true;
	}

	/** As `copyWithParents`, but a backup that cannot be copied is only noted. */
	async tryCopyWithParents(place: BackupPlace): Promise<boolean> {
		throwIfAborted(this.context.signal);
		return await this.failures.collect(place, async () => await this.copyWithParents(place));
	}
}

/** Newest first: if time or space runs out, what matters most is safe. */
async function copyMissing(run: CopyRun, selection: Extract<CopySelection, { what: 'missing' }>, { source }: CopyOptions, context: JobContext): Promise<void> {
	const since = selection.withinDays === undefined ? undefined : context.now().getTime() - selection.withinDays * DAY_MS;
	const chosen: BackupPlace[] = [];
	for await (const { manifest, summary } of walkBackups(source, { component: selection.component, source: selection.source })) {
		if (since !== undefined && Date.parse(summary.startedAt) < since) continue;
		if (!manifest || summary.status === 'damaged') {
			run.skipped.push({ id: summary.id, component: summary.component, reason: `it is damaged: ${summary.problem ?? 'its newest check failed'}` });
			continue;
		}
		chosen.push({ component: manifest.component, id: manifest.id });
	}
	for (const place of chosen) if (!(await run.passOver(place))) await run.tryCopyWithParents(place);
}
